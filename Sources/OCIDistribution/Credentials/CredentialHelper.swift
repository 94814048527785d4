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

    let environment: [String: String]
    var deadline: Duration = .seconds(10)

    /// The most that a helper may print, in bytes.
    private static let largestOutput = 256 << 10

    func get(server: String, helper: String) async throws(CredentialError) -> Answer {
        guard !helper.isEmpty, helper.utf8.count <= 64, helper.first != "-", helper.first != ".",
            helper.utf8.allSatisfy({ $0.isAlphanumeric || "._-".utf8.contains($0) })
        else { throw .helperName(helper) }
        let program = "docker-credential-\(helper)"
        let deadline = deadline
        let outcome = await withTaskGroup(of: Result<Answer, CredentialError>.self) { group in
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
                    return .failure(.helperTimedOut(helper: program, after: deadline))
                } catch {
                    return .failure(.cancelled)
                }
            }
            let first = await group.next() ?? .failure(.cancelled)
            group.cancelAll()
            return first
        }
        return try outcome.get()
    }

    private func run(_ program: String, server: String) async throws(CredentialError) -> Answer {
        let variables = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        do {
            let result = try await Subprocess.run(
                .name(program),
                arguments: ["get"],
                environment: environment.isEmpty
                    ? .inherit : .custom(Dictionary(variables, uniquingKeysWith: { first, _ in first })),
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
