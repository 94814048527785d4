/// What this host's processes did on one engine, written down so that a process that comes later can tidy up after one
/// that died.
///
/// Calls are short and go on when their task is cancelled.
package protocol Journal: Sendable {
    // MARK: Runs

    /// Records that a run of this process starts.
    ///
    /// - Throws: ``RunIsKnown`` where there is a run by that ID, whoever owns it.
    func begin(_ run: RunRecord) async throws
    /// Records an exit as soon as it is known: before its container is removed, from which it could be read again. A
    /// second exit of the same attempt changes nothing.
    func record(_ exit: StepExit, of run: String) async throws
    /// Records a run's end; the first counts.
    ///
    /// - Returns: Whether this was the first.
    @discardableResult
    func end(_ run: String, _ end: RunEnd) async throws -> Bool
    /// Runs without an end, the oldest first.
    func unfinishedRuns() async throws -> [RunRecord]
    /// - Returns: The run, or `nil` where the journal has none by that ID, or none any more.
    func run(_ id: String) async throws -> RunRecord?

    // MARK: Containers that labels can't tell

    /// Records, ahead of the call, that a container is about to be created for this process.
    func announce(container name: String, kind: String) async throws -> JournaledContainer
    /// Records which container the engine made.
    func identify(_ container: JournaledContainer, as containerID: String) async throws
    /// Takes the entry away, once the container is gone or was never made.
    func forget(_ container: JournaledContainer) async throws
    /// All entries, the oldest first.
    func containers() async throws -> [JournaledContainer]
}

/// A run can't begin: its ID belongs to another.
package struct RunIsKnown: Error, Hashable, CustomStringConvertible {
    package let id: String

    package init(id: String) {
        self.id = id
    }

    package var description: String { "the journal has a run \(PrintableText.quoted(id, limit: 80)) already" }
}
