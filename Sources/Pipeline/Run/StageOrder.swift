import RoostCore
import Synchronization

/// Keeps a run's events in the order of its stages.
///
/// A stage begins when the commands of the one before have ended well, a moment before that one's end can be told: what its
/// steps tell in that moment is held back.
final class StageOrder: Sendable {
    private struct State {
        /// How many stages have been told to begin.
        var told = 0
        /// How many have been told to have ended.
        var ended = 0
        var headers: [Int: StageHeader] = [:]
        var held: [Int: [RunEvent.Kind]] = [:]
    }

    private let indices: [String: Int]
    private let isTold: [Latch]
    private let send: @Sendable (RunEvent.Kind) async -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - stages: The names of the run's stages, in their order.
    ///   - send: Hands an event on.
    init(stages: [String], send: @escaping @Sendable (RunEvent.Kind) async -> Void) {
        indices = Dictionary(stages.enumerated().map { ($1, $0) }) { first, _ in first }
        isTold = stages.map { _ in Latch() }
        self.send = send
    }

    /// A stage begins; told once all before it have ended.
    func begin(_ stage: Int, _ header: StageHeader) async {
        state.withLock { $0.headers[stage] = header }
        await tellNext()
    }

    /// A stage has ended; all before it have.
    func end(_ report: StageReport) async {
        await send(.stageFinished(report))
        state.withLock { $0.ended += 1 }
        await tellNext()
    }

    /// Hands an event on, or keeps it until its stage has been told to begin. Whoever has lines of a step's output waits until
    /// then.
    func emit(_ kind: RunEvent.Kind) async {
        guard let stage = kind.stage.flatMap({ indices[$0] }) else { return await send(kind) }
        if case .stepLog = kind {
            await isTold[stage].wait()
            return await send(kind)
        }
        let isHeld = state.withLock { state in
            guard state.told <= stage else { return false }
            state.held[stage, default: []].append(kind)
            return true
        }
        if !isHeld { await send(kind) }
    }

    private func tellNext() async {
        let next = state.withLock { state -> (Int, StageHeader)? in
            guard state.told == state.ended, let header = state.headers.removeValue(forKey: state.told) else {
                return nil
            }
            return (state.told, header)
        }
        guard let (stage, header) = next else { return }
        await send(.stageStarted(header))
        while true {
            let kinds = state.withLock { state in
                let held = state.held.removeValue(forKey: stage) ?? []
                if held.isEmpty { state.told += 1 }
                return held
            }
            if kinds.isEmpty { break }
            for kind in kinds { await send(kind) }
        }
        isTold[stage].open()
    }
}

extension RunEvent.Kind {
    /// The stage that the event belongs to, where it tells of something in one.
    fileprivate var stage: String? {
        switch self {
        case .stepStarted(let start): start.id.stage
        case .stepLog(let log): log.id.stage
        case .stepRetrying(let retry): retry.id.stage
        case .stepFinished(let report): report.id.stage
        case .serviceStarted(let start): start.id.stage
        case .serviceReady(let ready): ready.id.stage
        case .serviceFinished(let report): report.id.stage
        default: nil
        }
    }
}
