import Foundation
import Pipeline
import RoostCore
import UnixSignals

/// Turns the signals that people and systems end programs with into an interruption, while `body` runs.
enum SignalWatch {
    static func during<Value: Sendable>(
        _ interruption: Interruption,
        body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // Installed before the body starts, so that no signal is met by its default action.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                for await signal in signals { interruption.raise(cause(of: signal)) }
                return nil
            }
            group.addTask {
                if await interruption.abandon.wait() { await leave(interruption) }
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                if let value = ended { return value }
            }
            throw CancellationError()
        }
    }

    /// Ends the process at the third signal. Nothing waits for the body, which is stuck or slow: what it leaves carries its
    /// owner's name, and goes with the next command.
    private static func leave(_ interruption: Interruption) async {
        await RoostCommandLine.complain(
            "interrupted three times: left without cleaning up; 'roost reap', or the next run, removes what is left"
        )
        exit(interruption.cause?.exitCode ?? 130)
    }

    private static func cause(of signal: UnixSignal) -> InterruptionCause {
        switch signal {
        case .sighup: .hangup
        case .sigterm: .terminate
        default: .interrupt
        }
    }
}
