package import OCIDistribution

extension ImagePuller {
    /// What each reference names now: by its registry, asked where the engine would ask, else by what the engine has.
    ///
    /// - Parameter references: The images; one that has a digest of its own is not asked about.
    /// - Returns: The digest of each, an index's where the registry has the image for several platforms.
    /// - Throws: ``PullFailures`` with all images whose digest can't be known; `EngineError`; `CancellationError`.
    package func digests(of references: [ImageReference]) async throws -> [ImageReference: Digest] {
        let resolver = try await resolver()
        let found = try await Self.forEach(Array(Set(references))) { reference -> Result<Digest, PullFailure> in
            if let digest = reference.digest { return .success(digest) }
            var refusal: PullFailure?
            switch try await resolver?.answer(for: reference) {
            case .found(let digest?, _): return .success(digest)
            case .refused(let failure): refusal = failure
            case .found(nil, _), .unknown, nil: break
            }
            if let present = try await engine.image(named: reference.engineName)?.digest(for: reference), refusal == nil
            {
                return .success(present)
            }
            return .failure(
                refusal
                    ?? PullFailure(
                        image: reference,
                        kind: .unavailable,
                        message: "its registry can't be asked now, and the engine has no digest for it; "
                            + "try again when the registry can be reached",
                        isDefinite: false
                    )
            )
        }
        let failures = found.values.compactMap { if case .failure(let failure) = $0 { failure } else { nil } }
        guard failures.isEmpty else {
            throw PullFailures(failures.sorted { $0.image.description < $1.image.description })
        }
        return found.compactMapValues { try? $0.get() }
    }
}
