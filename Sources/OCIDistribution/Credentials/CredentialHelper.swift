import Subprocess

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Runs `docker-credential-NAME get`, the protocol of docker/docker-credential-helpers.
package struct CredentialHelper: Sendable {
    enum Answer: Sendable {
        case found(Credentials)
        case none
        case failed(Reason)
    }

    /// Why a helper gave nothing.
    package enum Reason: Hashable, Sendable {
        case notInstalled
        /// It ended with another status than 0, as helpers do both where there are no credentials and where they fail.
        case ended(String)
    }

    /// Who is asked for what.
    private struct Question: Hashable, Sendable {
        let helper: String
        let registry: String
    }

    let environment: [String: String]
    /// Shorter than a look at a registry may take, so that it is this end that such a look meets, not its own.
    let deadline: Duration
    /// One process answers all who ask the same at once. A helper that did not answer is never waited for again.
    private let answers = SharedFetch<Question, Result<Answer, CredentialError>>()

    /// Longer than any process of Roost runs.
    private static let forEver = Duration.seconds(10 * 365 * 24 * 3600)
    /// The most that a helper may print, in bytes.
    private static let largestOutput = 256 << 10

    init(environment: [String: String], deadline: Duration = .seconds(8)) {
        self.environment = environment
        self.deadline = deadline
    }

    /// Asks a helper for the login of a registry.
    ///
    /// - Parameters:
    ///   - registry: What people call the registry.
    ///   - server: The key under which Docker keeps its login.
    ///   - helper: The helper's name, without its prefix.
    /// - Returns: What it said. An answer is not kept: it may be a token that expires, and who asks keeps it for a while.
    /// - Throws: ``CredentialError``.
    func get(registry: String, server: String, helper: String) async throws(CredentialError) -> Answer {
        guard !helper.isEmpty, helper.utf8.count <= 64, helper.first != "-", helper.first != ".",
            helper.utf8.allSatisfy({ $0.isAlphanumeric || "._-".utf8.contains($0) })
        else { throw .helperName(helper) }
        let outcome: Result<Answer, CredentialError>
        do {
            outcome = try await answers.value(for: Question(helper: helper, registry: registry)) {
                () async throws(RegistryError.Failure) in
                let outcome = await ask("docker-credential-\(helper)", for: registry, server)
                switch outcome {
                case .failure(.cancelled): throw .cancelled
                case .failure(.helperTimedOut): return (outcome, Self.forEver)
                case .success, .failure: return (outcome, .zero)
                }
            }
        } catch {
            throw .cancelled
        }
        return try outcome.get()
    }

    /// How many wait for an answer that another one has asked for; for tests.
    func waiters(registry: String, helper: String) -> Int {
        answers.waiters(for: Question(helper: helper, registry: registry))
    }

    private func ask(_ program: String, for registry: String, _ server: String) async -> Result<Answer, CredentialError>
    {
        let deadline = deadline
        return await withTaskGroup(of: Result<Answer, CredentialError>.self) { group in
            group.addTask {
                do throws(CredentialError) {
                    return .success(try await run(program, server: server))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                do {
                    try await ContinuousClock().sleep(for: deadline)
                    return .failure(.helperTimedOut(helper: program, registry: registry, after: deadline))
                } catch {
                    return .failure(.cancelled)
                }
            }
            let first = await group.next() ?? .failure(.cancelled)
            group.cancelAll()
            return first
        }
    }

    private func run(_ program: String, server: String) async throws(CredentialError) -> Answer {
        // A group of its own, so that all that the helper has started ends with it. It is killed at once: a helper that
        // ended politely would leave behind whoever did not.
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        let variables = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        do {
            let result = try await Subprocess.run(
                .name(program),
                arguments: ["get"],
                environment: environment.isEmpty
                    ? .inherit : .custom(Dictionary(variables, uniquingKeysWith: { first, _ in first })),
                platformOptions: options,
                input: .inputWriter,
                output: .bytes(limit: Self.largestOutput),
                error: .discarded
            ) { helper in
                // A helper may end without reading. Then the write fails, and its status says the rest. The writer has to
                // be finished in any case: swift-subprocess 1.0 traps on one that isn't, as with its own inputs.
                _ = try? await helper.standardInputWriter.write(Array(server.utf8))
                try await helper.standardInputWriter.finish()
            }
            guard result.terminationStatus.isSuccess else {
                if Task.isCancelled { throw CredentialError.cancelled }
                return .failed(.ended(result.terminationStatus.description))
            }
            return try Self.parse(result.standardOutput, program: program)
        } catch let error as CredentialError {
            throw error
        } catch let error as SubprocessError where error.code == .executableNotFound {
            return .failed(.notInstalled)
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .helperOutput(helper: program)
        }
    }

    private static func parse(_ output: [UInt8], program: String) throws(CredentialError) -> Answer {
        struct Output: Decodable {
            let username: String?
            let secret: String?

            enum CodingKeys: String, CodingKey {
                case username = "Username"
                case secret = "Secret"
            }
        }
        let parsed: Output
        do {
            parsed = try JSONDecoder().decode(Output.self, from: Data(output))
        } catch {
            throw .helperOutput(helper: program)
        }
        guard let secret = parsed.secret, !secret.isEmpty else { return .none }
        // Helpers mark an identity token by this name of a user (docker/cli, credentials/native_store.go).
        if parsed.username == "<token>" { return .found(.identityToken(secret)) }
        return .found(.password(username: parsed.username ?? "", password: secret))
    }
}
