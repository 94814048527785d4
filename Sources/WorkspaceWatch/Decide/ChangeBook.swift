/// Decides which changes run a pipeline again, and when.
///
/// Between two runs every change counts. During a run the kernel does not tell whose a change is, the run's or a person's:
///
/// - What comes into being during a run is the run's.
/// - What was there before counts, once: it leads to one more run. Where that run changes it too, it is the runs' own work,
///   and counts only between runs from then on.
///
/// So nothing that a person changes during a run is lost without a word, and no run keeps itself going. No clock and no files:
/// times are handed in.
package struct ChangeBook: Sendable {
    /// How long nothing must happen until what has happened counts as one change: editors and tools write several files.
    package static let silence = Duration.milliseconds(200)
    /// Whoever writes all the time does not put a run off any longer.
    package static let mostPatience = Duration.seconds(2)

    private var isRunning = false
    /// What counts, in the order in which it happened.
    private var pending: [String] = []
    private var isPending: Set<String> = []
    private var first: ContinuousClock.Instant?
    private var last: ContinuousClock.Instant?
    /// What runs make.
    private var works: Set<String> = []
    /// What counted though it had changed during the run before this one.
    private var suspects: Set<String> = []
    private var changedDuringRun: Set<String> = []
    private var learned: [String] = []

    package init() {}

    /// A run begins: what was pending has led to it.
    package mutating func beginRun() {
        isRunning = true
        suspects = changedDuringRun
        changedDuringRun = []
    }

    /// The run has ended, and all that had changed by then has been taken.
    ///
    /// - Returns: What is known as the runs' own work from now on, though it was there before them.
    package mutating func endRun() -> [String] {
        isRunning = false
        suspects = []
        defer { learned = [] }
        return learned
    }

    package mutating func take(_ change: Change, at now: ContinuousClock.Instant) {
        guard isRunning else {
            // Somebody else has changed it, too: nothing can be said of it.
            changedDuringRun.remove(change.path)
            return note(change.path, at: now)
        }
        if isPending.contains(change.path) { return note(change.path, at: now) }
        if isWork(change.path) { return }
        if !change.wasThere {
            works.insert(change.path)
        } else if suspects.contains(change.path) {
            works.insert(change.path)
            learned.append(change.path)
        } else {
            changedDuringRun.insert(change.path)
            note(change.path, at: now)
        }
    }

    /// When what is pending has settled, if nothing else happens; `nil` where nothing is pending.
    package var settlesAt: ContinuousClock.Instant? {
        guard let first, let last else { return nil }
        return min(last + Self.silence, first + Self.mostPatience)
    }

    /// What has changed and counts; it is not pending any more.
    package mutating func takePending() -> [String] {
        defer {
            pending = []
            isPending = []
            first = nil
            last = nil
        }
        return pending
    }

    private mutating func note(_ path: String, at now: ContinuousClock.Instant) {
        if isPending.insert(path).inserted { pending.append(path) }
        first = first ?? now
        last = now
    }

    /// What lies in a folder that runs make is theirs, too.
    private func isWork(_ path: String) -> Bool {
        if works.contains(path) { return true }
        return path.indices.contains { path[$0] == "/" && works.contains(String(path[..<$0])) }
    }
}
