package import DockerEngine
import Foundation
import NIOCore
import RoostCore
import Synchronization

/// A container that has been created with a gate as its entry point: parked ahead of its work, released in milliseconds.
///
/// ``run(on:watch:start:onOutput:)`` attaches, starts and reads the output to its end, in a task of the caller's; beside it
/// the caller waits with ``waitUntilParked()``, and releases. The one attached stream carries the release and the output.
/// The caller removes the container, after `run` has returned: an attached stream that nobody reads would hold that up.
package final class ParkedContainer: Sendable {
    package let id: String
    package let gate: ContainerGate

    private struct State {
        var lifecycle = ParkedLifecycle()
        var payload: GatePayload?
        var attached: AttachedContainer?
        var firstProcess: FirstProcess?
    }

    private let state = Mutex(State())
    private let isSettled = Latch()
    private let shouldSend = Latch()
    private let shouldDetach = Latch()

    /// - Parameters:
    ///   - id: A container that was created from ``DockerEngine/ContainerSpecification/parked(behind:diesWithOwner:)``.
    ///   - gate: Its gate.
    package init(id: String, gate: ContainerGate) {
        self.id = id
        self.gate = gate
    }

    /// The container's first process, once it is parked and where it can be followed.
    package var firstProcess: FirstProcess? { state.withLock { $0.firstProcess } }

    /// How it ended; `nil` before.
    package var end: ParkedEnd? {
        state.withLock { if case .over(let end) = $0.lifecycle.state { end } else { nil } }
    }

    /// Attaches, starts, and hands on the command's output until its end.
    ///
    /// - Parameters:
    ///   - engine: The engine.
    ///   - watch: Where its first process is followed from; `nil` for not at all.
    ///   - start: Starts the container; does nothing where it runs already, as in a pool.
    ///   - onOutput: Called with the command's frames, in order. Whoever is slow holds up the command.
    /// - Returns: How it ended.
    package func run(
        on engine: EngineClient,
        watch: ExitWatch?,
        start: @escaping @Sendable () async throws -> Void,
        onOutput: @escaping @Sendable ([LogFrame]) async -> Void
    ) async -> ParkedEnd {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.follow(engine, watch, start, onOutput) }
            group.addTask { await self.shouldDetach.wait() }
            group.addTask {
                // Not in the task of whoever releases it: one that takes nothing in, such as one that is paused, would hold it up.
                if await self.shouldSend.wait() { await self.send() }
                await self.shouldDetach.wait()
            }
            await group.next()
            group.cancelAll()
        }
        // Cancelled, where nothing has ended it yet.
        await handle(.detachRequested)
        return end ?? .unclear
    }

    /// Waits until it is parked, or can't be any more, or the task is cancelled.
    ///
    /// - Returns: Whether it is parked, or released already.
    package func waitUntilParked() async -> Bool {
        await isSettled.wait() && end == nil
    }

    /// Lets it become the command; where it is still starting, as soon as it has.
    ///
    /// - Parameter payload: The command, for this container's gate.
    /// - Returns: False where it is over, or was released before: nothing will be sent for this call.
    package func release(_ payload: GatePayload) async -> Bool {
        let isFirst = state.withLock { state in
            guard state.payload == nil else { return false }
            if case .over = state.lifecycle.state { return false }
            state.payload = payload
            return true
        }
        guard isFirst else { return false }
        await handle(.releaseRequested)
        return true
    }

    /// Lets go of it: before its release it is given up, after it its output is not read any further.
    package func detach() async { await handle(.detachRequested) }

    // MARK: - The stream

    private func follow(
        _ engine: EngineClient,
        _ watch: ExitWatch?,
        _ start: @escaping @Sendable () async throws -> Void,
        _ onOutput: @escaping @Sendable ([LogFrame]) async -> Void
    ) async {
        var output = GateOutput(gate)
        do {
            try await engine.attach(id, [.stdin, .stdout, .stderr]) { attached in
                self.state.withLock { $0.attached = attached }
                defer { self.state.withLock { $0.attached = nil } }
                async let starting: Void = self.start(engine, watch, start)
                try await attached.readOutput { frames in
                    let hadBegun = output.hasCommandBegun
                    let command = output.commandFrames(in: frames)
                    if output.hasCommandBegun, !hadBegun { await self.handle(.commandBegan) }
                    if !command.isEmpty { await onOutput(command) }
                }
                await starting
            }
            try Task.checkCancellation()
            output.finish()
            await handle(.outputEnded(remarks: PrintableText.oneLine(String(buffer: output.remarks), limit: 200)))
        } catch is CancellationError {
            return
        } catch {
            await handle(.outputLost(error))
        }
    }

    private func start(
        _ engine: EngineClient,
        _ watch: ExitWatch?,
        _ start: @Sendable () async throws -> Void
    ) async {
        do {
            try await start()
        } catch {
            // The engine sets 127 for a program that isn't there and 126 for one that can't be executed, as shells do.
            let code = try? await engine.inspectContainer(id)?.state.exitCode
            let reason: NotParkable =
                if let code, code == 126 || code == 127 { .noShell(code: code) } else { .startFailed(error) }
            return await handle(.failed(reason))
        }
        // Before the release, so that the process can't have exited yet.
        let process = await watch?.firstProcess(of: id, on: engine)
        state.withLock { $0.firstProcess = process }
        await handle(.started)
    }

    // MARK: - Events

    private func handle(_ event: ParkedLifecycle.Event) async {
        let (actions, isSettled) = state.withLock { state in
            let actions = state.lifecycle.handle(event)
            let isSettled = if case .parking = state.lifecycle.state { false } else { true }
            return (actions, isSettled)
        }
        for action in actions {
            switch action {
            case .send: shouldSend.open()
            case .detach: shouldDetach.open()
            }
        }
        if isSettled { self.isSettled.open() }
    }

    private func send() async {
        let (attached, payload) = state.withLock { ($0.attached, $0.payload) }
        guard let attached, let payload else { return await handle(.notSent) }
        do {
            try await attached.write(payload.bytes)
        } catch {
            // How much of it has arrived is not known; the end of the stream makes a gate that has not all of it exit.
            await handle(.outputLost(error))
        }
    }
}
