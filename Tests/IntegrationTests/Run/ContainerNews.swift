import DockerEngine
import Foundation
import ParkedContainers
import RoostCore
import RoostTesting
import Synchronization
import Testing

/// What happens to the containers of a sandbox's runs, as the engine tells it: to be awaited, and to be looked through.
final class ContainerNews: Sendable {
    struct Item: Sendable, CustomStringConvertible {
        /// `create`, `start`, `die`, `destroy`…
        let action: String
        let id: String
        let kind: String
        /// `STAGE/STEP`; `nil` for what is no step's.
        let step: String?

        var description: String { "\(action) \(step ?? kind) \(id.prefix(6))" }
    }

    private struct State {
        var items: [Item] = []
        var hasMore = Latch()
    }

    private let state = Mutex(State())

    var items: [Item] { state.withLock { $0.items } }

    /// Follows the sandbox's containers while `body` runs.
    static func with<Value: Sendable>(
        _ sandbox: RoostSandbox,
        _ body: (ContainerNews) async throws -> Value
    ) async throws -> Value {
        let installation = try Installation.load(from: try sandbox.stateFolder)
        let news = ContainerNews()
        let isOpen = Latch()
        // The engine answers a moment before it subscribes; what happens in between is replayed.
        let since = String(Date().timeIntervalSince1970)
        let filters = ["type": ["container"], "label": ["\(LabelKey.installation)=\(installation.id)"]]
        return try await sandbox.withEngine { engine in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // An engine that is killed ends them: who waits on then runs into the suite's time limit.
                    try? await engine.events(since: since, filters: filters, onOpen: { isOpen.open() }) {
                        news.add($0)
                    }
                }
                defer { group.cancelAll() }
                await isOpen.wait()
                return try await body(news)
            }
        }
    }

    private func add(_ event: EngineEvent) {
        let labels = event.actor.attributes ?? [:]
        let step: String? =
            if let stage = labels[LabelKey.stage], let step = labels[LabelKey.step] { "\(stage)/\(step)" } else { nil }
        let item = Item(action: event.action, id: event.actor.id, kind: labels[LabelKey.kind] ?? "", step: step)
        let latch = state.withLock { state in
            state.items.append(item)
            defer { state.hasMore = Latch() }
            return state.hasMore
        }
        latch.open()
    }

    /// Waits until something has happened so often, be it long ago.
    ///
    /// - Returns: The first time.
    @discardableResult
    func wait(times: Int = 1, _ isIt: (Item) -> Bool) async throws -> Item {
        while true {
            let (items, hasMore) = state.withLock { ($0.items, $0.hasMore) }
            let found = items.filter(isIt)
            if found.count >= times, let first = found.first { return first }
            await hasMore.wait()
            try Task.checkCancellation()
        }
    }

    /// Waits until a container of the step has started, be it parked or not.
    ///
    /// - Returns: The container's ID.
    @discardableResult
    func started(_ step: String) async throws -> String {
        try await wait { $0.action == "start" && $0.step == step }.id
    }

    func created(_ step: String) -> [String] {
        items.filter { $0.action == "create" && $0.step == step }.map(\.id)
    }

    /// The steps that a container was created for.
    var createdSteps: Set<String> { Set(items.filter { $0.action == "create" }.compactMap(\.step)) }
}

extension RoostSandbox {
    /// Whether the container runs and is one behind a gate, by what it was made with.
    func isBehindGate(_ container: String) async throws -> Bool {
        try await withEngine { engine in
            guard let inspection = try await engine.inspectContainer(container), inspection.state.isRunning,
                let last = inspection.config.entrypoint?.last
            else { return false }
            return ContainerGate(nonce: last) != nil
        }
    }

    /// How often a command that adds a line to a file has run.
    func runs(of file: String) -> Int {
        let text = try? String(contentsOfFile: project + "/" + file, encoding: .utf8)
        return text?.split(separator: "\n").count ?? 0
    }
}

/// A step's command that begins by saying so, and ends when the file is there.
func blocked(on file: String = "go") -> String { "echo up; until [ -e \(file) ]; do sleep 0.05; done" }
