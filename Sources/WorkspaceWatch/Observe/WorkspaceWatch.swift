import Dispatch
import RoostCore
import Synchronization

/// Watches a workspace for changes, with all folders below, also those that come later.
///
/// One descriptor that Dispatch watches, so that no thread waits, and so that the kernel's queue is emptied however long
/// nobody asks.
package final class WorkspaceWatch: Sendable {
    private final class Core: Sendable {
        private struct State {
            var tree: WatchedTree
            var changes: [Change] = []
            var known: Set<String> = []
            var failure: WatchFailure?
            var news = Latch()
        }

        let inotify: Inotify
        private let state: Mutex<State>

        init(root: String, rules: WatchRules) throws(WatchFailure) {
            inotify = try Inotify()
            state = Mutex(State(tree: try WatchedTree(root: root, inotify: inotify, rules: rules)))
        }

        var news: Latch { state.withLock { $0.news } }
        var folders: Int { state.withLock { $0.tree.count } }

        /// Reads what has happened, and tells those who wait for it.
        func read() {
            let news = state.withLock { state -> Latch? in
                Self.read(&state)
                return state.changes.isEmpty && state.failure == nil ? nil : state.news
            }
            news?.open()
        }

        func take() throws(WatchFailure) -> [Change] {
            let (changes, failure) = state.withLock { state in
                Self.read(&state)
                defer {
                    state.changes = []
                    state.known = []
                    state.news = Latch()
                }
                return (state.changes, state.failure)
            }
            if let failure { throw failure }
            return changes
        }

        func use(_ rules: WatchRules) throws(WatchFailure) {
            let failure = state.withLock { state -> WatchFailure? in
                do throws(WatchFailure) {
                    try state.tree.use(rules)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
        }

        private static func read(_ state: inout State) {
            guard state.failure == nil else { return }
            do throws(WatchFailure) {
                // Of a path only the first change tells whether it was there.
                for change in try state.tree.read() where state.known.insert(change.path).inserted {
                    state.changes.append(change)
                }
            } catch {
                state.failure = error
            }
        }
    }

    private let core: Core
    private let source: Mutex<any DispatchSourceRead>

    /// - Parameters:
    ///   - root: The workspace, without links on the way.
    ///   - rules: What is left out.
    /// - Throws: ``WatchFailure``.
    package init(_ root: String, rules: WatchRules) throws(WatchFailure) {
        let core = try Core(root: root, rules: rules)
        self.core = core
        let source = DispatchSource.makeReadSource(
            fileDescriptor: core.inotify.descriptor,
            queue: DispatchQueue(label: "dev.roost.workspace", qos: .utility)
        )
        source.setEventHandler { core.read() }
        // The descriptor may be closed only when Dispatch has let go of it.
        source.setCancelHandler { withExtendedLifetime(core) {} }
        source.activate()
        self.source = Mutex(source)
    }

    deinit { source.withLock { $0.cancel() } }

    /// How many folders are watched.
    package var folders: Int { core.folders }

    /// What has changed since the last time: all of it, up to this moment.
    package func take() throws(WatchFailure) -> [Change] { try core.take() }

    /// Takes other rules from now on.
    package func use(_ rules: WatchRules) throws(WatchFailure) { try core.use(rules) }

    /// Waits until there is something to ``take()``, a moment has come, or the task is cancelled.
    package func waitForNews(until moment: ContinuousClock.Instant? = nil) async {
        let news = core.news
        guard let moment else {
            await news.wait()
            return
        }
        _ = try? await news.cancelling { try await ContinuousClock().sleep(until: moment) }
    }
}
