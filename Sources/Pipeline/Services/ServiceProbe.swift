import DockerEngine
import Foundation
import RoostCore

/// Finds out whether a service that runs can be used.
struct ServiceProbe: Sendable {
    let engine: EngineClient
    let container: String
    let readiness: ServiceReadiness

    /// How long one look may take: a command that hangs is asked again.
    private static let longestLook = Duration.seconds(10)

    enum Look: Sendable, Hashable {
        case ready
        /// With what was seen, where something was.
        case notYet(String?)
        /// Looking again would be of no use.
        case impossible(String)
    }

    /// Looks until the service is ready.
    ///
    /// - Returns: What came of it; `nil` where the task was cancelled.
    func wait() async -> ServiceLifecycle.Event? {
        let deadline = ContinuousClock.now + readiness.timeout
        var looks = 0
        while !Task.isCancelled {
            let look = await look(within: max(min(deadline - .now, Self.longestLook), .milliseconds(100)))
            looks += 1
            if Task.isCancelled { return nil }
            var seen: String?
            switch look {
            case .ready: return .becameReady
            case .impossible(let reason): return .neverReady(reason)
            case .notYet(let what): seen = what
            }
            let pause = min(readiness.pause(after: looks), deadline - .now)
            guard pause > .zero else { return .neverReady(overdue(seen)) }
            guard (try? await ContinuousClock().sleep(for: pause)) != nil else { return nil }
        }
        return nil
    }

    private func overdue(_ seen: String?) -> String {
        "was not ready within \(DurationText.format(readiness.timeout))" + (seen.map { ": \($0)" } ?? "")
            + "; raise the timeout of `ready` if it needs more"
    }

    private func look(within limit: Duration) async -> Look {
        switch readiness.check {
        case .running: .ready
        case .command(let command): await look(by: command, within: limit)
        case .port(let port): await look(at: port, within: limit)
        }
    }

    private func look(by command: StepCommand, within limit: Duration) async -> Look {
        let words = (StepCommand.entrypoint(of: command, over: nil) ?? []) + command.words
        do {
            let outcome = try await execute(words, within: limit)
            if outcome.exitCode == 0 { return .ready }
            let said = LogText.lastLine(of: outcome.output).map { ": \($0)" } ?? ""
            return .notYet("its command exits with \(outcome.exitCode)\(said)")
        } catch {
            return .notYet("its command: \(error)")
        }
    }

    private func look(at port: Int, within limit: Duration) async -> Look {
        let closed = "nothing in it accepts connections of other containers at port \(port)"
        if engine.endpoint.isLocal, let tables = await tables() {
            return tables.contains { ListeningPorts.accepts(port, in: $0) } ? .ready : .notYet(closed)
        }
        return await lookInside(at: port, within: limit)
    }

    /// Looks from inside the container, for an engine whose processes this one can't see.
    func lookInside(at port: Int, within limit: Duration) async -> Look {
        do {
            let outcome = try await execute(ListeningPorts.command(for: port), within: limit)
            switch outcome.exitCode {
            case 0: return .ready
            case 126, 127:
                return .impossible(
                    "can't be seen to accept connections: its engine's processes are not this machine's, and its image has no "
                        + "grep; give `ready` a command"
                )
            default: return .notYet("nothing in it accepts connections of other containers at port \(port)")
            }
        } catch {
            return .notYet("\(error)")
        }
    }

    private func execute(_ command: [String], within limit: Duration) async throws -> ExecOutcome {
        try await withDeadline(limit, "the look whether it is ready") {
            try await engine.execute(command, in: container)
        }
    }

    /// The kernel's tables of the container's network; `nil` where this machine does not run it, or hides it.
    private func tables() async -> [String]? {
        guard let state = try? await engine.inspectContainer(container)?.state, let process = state.processID,
            process > 0
        else { return nil }
        // Another process may have that number here: its groups do not name the container.
        guard let groups = KernelFile.text(of: "/proc/\(process)/cgroup"), groups.contains(container) else {
            return nil
        }
        let tables = ["tcp", "tcp6"].compactMap { KernelFile.text(of: "/proc/\(process)/net/\($0)") }
        return tables.isEmpty ? nil : tables
    }
}

/// Bytes of a program as part of a message.
enum LogText {
    /// The last line that is not blank, on one line and cut; `nil` where there is none.
    static func lastLine(of bytes: [UInt8]) -> String? {
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.last { !$0.allSatisfy(\.isWhitespace) }.map { PrintableText.oneLine(String($0), limit: 200) }
    }
}
