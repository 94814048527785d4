import DockerEngine
import OCIDistribution
import RoostCore

/// One try at getting one image, and what a failure of it means.
struct PullAttempt: Sendable {
    let puller: ImagePuller
    let item: PullPlanItem
    let progress: ProgressReporter

    /// Pulls the image through the engine and looks at what came.
    ///
    /// - Throws: `EngineError` where the engine is gone; `CancellationError`.
    func pull() async throws -> PullScheduler.Event {
        let reference = item.reference
        let login = try await login()
        do {
            try await puller.engine.pull(
                item.target,
                platform: puller.options.platform,
                credentials: login.credentials,
                deadline: puller.options.timeout,
                onMessage: { await progress.take($0, of: reference) }
            )
        } catch let error as EngineError {
            try Task.checkCancellation()
            await progress.flush(reference)
            if case .timedOut = error { return try await overdue() }
            if error.isEngineUnavailable { throw error }
            return try await classify(error, login)
        }
        await progress.flush(reference)
        return try await verified()
    }

    /// Adds the image's name to one that is there.
    ///
    /// - Throws: `EngineError` where the engine is gone; `CancellationError`.
    func tag(from image: EngineImage) async throws -> PullScheduler.Event {
        do {
            if item.target.digest == nil {
                try await puller.engine.tag(image.id, as: item.target)
            }
            // A name with a digest can't be given; it is there already where both are of one repository.
            guard let tagged = try await puller.engine.image(named: item.target.engineName), tagged.id == image.id
            else {
                return .tagFailed(item.reference)
            }
            return .tagged(item.reference, tagged)
        } catch let error as EngineError where !error.isEngineUnavailable {
            return .tagFailed(item.reference)
        }
    }

    // MARK: - What came of it

    /// What it means that the pull did not end in time: where the engine still answers, its registry is what stalls.
    /// That took long enough not to be tried again.
    private func overdue() async throws -> PullScheduler.Event {
        _ = try await puller.engine.image(named: item.target.engineName)
        let limit = DurationText.format(puller.options.timeout)
        return refused(
            .unavailable,
            "it was not pulled within \(limit): its registry or the network may be stalled; try again"
        )
    }

    /// A stream that ends well is not enough: what the engine has under the name now is what counts.
    private func verified() async throws -> PullScheduler.Event {
        guard let image = try await puller.engine.image(named: item.target.engineName) else {
            return failed(.engine, "the engine reported the pull as done, but does not have the image", nil)
        }
        if let digest = item.target.digest, !image.has(digest), image.id != digest.description {
            return failed(.engine, "the engine reported the pull as done, but has another digest: not used", nil)
        }
        // An engine pulls an image that is for one platform alone whatever platform it is asked for.
        if let wanted = puller.options.platform, !image.isFor(wanted) {
            let message =
                "its registry has it for \(image.platform), not for \(wanted): name another image, or another platform "
                + "(DOCKER_DEFAULT_PLATFORM)"
            return refused(.notFound, message)
        }
        return .pulled(item.reference, image)
    }

    /// What a failed pull means. The engine's errors are text, so the registry is asked: its definite answer is final,
    /// everything else may pass.
    ///
    /// Without a login that could not be read, what the engine says of a registry that only it reaches is no answer to go
    /// by, and asking again gives no other.
    private func classify(_ error: EngineError, _ login: Login) async throws -> PullScheduler.Event {
        let message = EngineText.oneLine(error.description)
        let resolver: RegistryResolver?
        do {
            resolver = try await puller.resolver()
        } catch let lost as EngineError {
            if lost.isEngineUnavailable { throw lost }
            resolver = nil
        }
        switch try await resolver?.answer(for: item.target) {
        case .refused(let failure):
            return refused(failure.kind, failure.message)
        case .unknown(_, .rateLimited, let retryAfter):
            return failed(.rateLimited, message, retryAfter)
        case .unknown where login.failure != nil, nil where login.failure != nil:
            let cause = login.failure.map { ". It was asked without a login: \($0)" } ?? ""
            return refused(.unauthorized, message + cause)
        case .unknown where error.statusCode == 404 && resolver?.hasMirrors(for: item.target) == false:
            // Only the engine reaches the registry, and the answer that it passes on is no mirror's.
            return refused(.notFound, message)
        case .unknown(_, _, let retryAfter):
            return failed(.unavailable, message, retryAfter)
        case .found, nil:
            return failed(.engine, message, nil)
        }
    }

    private func refused(_ kind: PullFailure.Kind, _ message: String) -> PullScheduler.Event {
        let failure = PullFailure(image: item.reference, kind: kind, message: message, isDefinite: true)
        return .failed(item.reference, failure, retryAfter: nil, jitter: 0)
    }

    private func failed(_ kind: PullFailure.Kind, _ message: String, _ retryAfter: Duration?) -> PullScheduler.Event {
        let failure = PullFailure(image: item.reference, kind: kind, message: message, isDefinite: false)
        return .failed(item.reference, failure, retryAfter: retryAfter, jitter: puller.jitter())
    }

    /// What the engine is given for the registry.
    private struct Login {
        var credentials: Credentials?
        /// Why there are none.
        var failure: CredentialError?
    }

    /// The registry's credentials. Where they can't be read the pull goes on without: public images need none, and
    /// the registry's refusal says what is wrong otherwise.
    private func login() async throws -> Login {
        do {
            return Login(credentials: try await puller.credentials.credentials(for: item.target.registry))
        } catch .cancelled {
            throw CancellationError()
        } catch {
            return Login(failure: error)
        }
    }
}

/// Text of the engine's errors, made fit for a message.
enum EngineText {
    /// The text on one line, printable, of bounded length, and without the queries of URLs: a registry's redirects
    /// carry signatures there that open the blob to whoever reads them.
    static func oneLine(_ text: String) -> String {
        var shown = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "://") {
            shown += rest[..<start.upperBound]
            rest = rest[start.upperBound...]
            let url = rest.prefix { !$0.isWhitespace && $0 != "\"" }
            rest = rest[url.endIndex...]
            guard let query = url.firstIndex(of: "?") else {
                shown += url
                continue
            }
            shown += url[..<query] + "?…"
        }
        return PrintableText.oneLine(shown + rest, limit: 500)
    }
}
