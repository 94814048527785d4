import Foundation
import RoostCore
import Subprocess
import SystemPackage

/// Runs a program of the host to its end.
struct HostCommand {
    struct Ended: Sendable {
        let isSuccess: Bool
        /// The end of what it wrote to standard error, for people.
        let said: String
    }

    private static let largestOutput = 256 << 10
    private static let longestQuote = 600

    /// - Parameters:
    ///   - program: A name to look up in `PATH`, or an absolute path.
    ///   - arguments: Its arguments.
    ///   - limit: How long it may take; it is killed then.
    /// - Returns: How it ended; `nil` where there is no such program.
    /// - Throws: ``InstallFailure/command(_:said:)`` where it could not be run, or not in time; `CancellationError`.
    static func run(_ program: String, _ arguments: [String], within limit: Duration) async throws -> Ended? {
        var options = PlatformOptions()
        // A group of its own, so that all that it has started ends with it.
        options.processGroupID = 0
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        let platformOptions = options
        do {
            return try await withDeadline(limit, "'\(program)'") {
                let result = try await Subprocess.run(
                    program.hasPrefix("/") ? .path(FilePath(program)) : .name(program),
                    arguments: Arguments(arguments),
                    platformOptions: platformOptions,
                    input: .none,
                    output: .discarded,
                    error: .bytes(limit: largestOutput)
                )
                return Ended(isSuccess: result.terminationStatus.isSuccess, said: quote(result.standardError))
            }
        } catch let error as SubprocessError where error.code == .executableNotFound {
            return nil
        } catch let error as CancellationError {
            throw error
        } catch {
            try Task.checkCancellation()
            throw InstallFailure.command([program] + arguments, said: "\(error)")
        }
    }

    private static func quote(_ output: [UInt8]) -> String {
        let text = String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { return "it said nothing" }
        return text.split(separator: "\n").suffix(3).joined(separator: "\n").suffix(longestQuote).description
    }
}
