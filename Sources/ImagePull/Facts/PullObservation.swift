import DockerEngine
import OCIDistribution

extension ImagePuller {
    /// Reads the facts and computes the plan.
    ///
    /// - Parameters:
    ///   - wanted: Each reference once.
    ///   - onQuestions: Called before registries are asked, with the number of images.
    /// - Returns: The plan.
    /// - Throws: ``PullFailures``, `EngineError` or `CancellationError`.
    func observe(_ wanted: [WantedImage], onQuestions: (Int) async -> Void) async throws -> PullPlan {
        let planner = PullPlanner(wanted)
        var facts = PullFacts(platform: options.platform, isOffline: options.isOffline)
        facts.present = try await present(Set(wanted.map(\.target)))

        let questions = planner.questions(facts).map(\.target)
        if !questions.isEmpty, let resolver = try await resolver() {
            await onQuestions(questions.count)
            facts.answers = try await Self.forEach(questions) { try await resolver.answer(for: $0) }
        }
        facts.sameContent = try await sameContent(wanted, facts)
        return try planner.plan(facts)
    }

    /// What asks registries as this engine would; `nil` where none is to be asked.
    func resolver() async throws -> RegistryResolver? {
        guard !options.isOffline, let heads else { return nil }
        return RegistryResolver(
            heads: heads,
            configuration: try await engine.registryConfiguration(),
            deadline: options.lookupDeadline
        )
    }

    private func present(_ targets: Set<ImageReference>) async throws -> [ImageReference: EngineImage] {
        try await Self.forEach(Array(targets)) { try await engine.image(named: $0.engineName) }
            .compactMapValues(\.self)
    }

    /// Images of the engine that are the content of one that has to be fetched, and would run just as that would.
    private func sameContent(_ wanted: [WantedImage], _ facts: PullFacts) async throws -> [Digest: EngineImage] {
        var digests: Set<Digest> = []
        for image in wanted {
            let known = image.target.digest ?? facts.answers[image.target]?.digest
            if let known, facts.present[image.target]?.has(known) != true { digests.insert(known) }
        }
        guard !digests.isEmpty else { return [:] }
        var candidates: [Digest: String] = [:]
        for (id, has) in try await engine.imageDigests() {
            for digest in has where digests.contains(digest) { candidates[digest] = id }
        }
        let platform = options.platform ?? engine.platform
        var same: [Digest: EngineImage] = [:]
        for (digest, id) in candidates {
            // One digest may name an index of many platforms, and the engine have another one's image of it.
            if let image = try await engine.image(named: id), image.has(digest), image.isFor(platform) {
                same[digest] = image
            }
        }
        return same
    }

    /// Does `work` for each of `keys`, not too many at once.
    static func forEach<Key: Hashable & Sendable, Value: Sendable>(
        _ keys: [Key],
        _ work: @escaping @Sendable (Key) async throws -> Value
    ) async throws -> [Key: Value] {
        try await withThrowingTaskGroup(of: (Key, Value).self) { group in
            var waiting = keys.makeIterator()
            for _ in 0..<mostQuestions {
                guard let key = waiting.next() else { break }
                group.addTask { (key, try await work(key)) }
            }
            var values: [Key: Value] = [:]
            while let (key, value) = try await group.next() {
                values[key] = value
                if let next = waiting.next() { group.addTask { (next, try await work(next)) } }
            }
            return values
        }
    }
}
