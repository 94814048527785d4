import Foundation
import RoostCore

/// Gives what steps made in a workspace to whoever runs Roost.
struct OwnershipRestore: Sendable {
    let projectFolder: String
    let target: OwnershipTarget
    /// When the run began, by the file systems' clock.
    let since: FileTime
    let stop: Latch

    /// What came of it.
    struct Outcome: Hashable, Sendable {
        var given = 0
        /// What still belongs to others.
        var kept: [WorkspacePath] = []
        /// Of these, what was left on purpose: files that have names outside the workspace.
        var shared: [WorkspacePath] = []
        var problem: String?
    }

    /// Folders that were closed can hold further ones, each of which costs a round.
    private static let mostRounds = 4

    /// Restores the ownership.
    ///
    /// - Parameter container: Does what the caller may not.
    /// - Returns: What was given and what not.
    /// - Throws: ``WorkspaceUnreadable``.
    func run(_ container: WorkspaceContainer) async throws(WorkspaceUnreadable) -> Outcome {
        var outcome = Outcome()
        var plan = try await look()
        for _ in 0..<Self.mostRounds where !(plan.given.isEmpty && plan.closed.isEmpty) && !stop.isOpen {
            let before = plan
            let refused = try await give(plan.given)
            if !refused.isEmpty || !plan.closed.isEmpty {
                do {
                    try await container.perform(.give(choice), on: refused)
                    try await container.perform(.giveFolders(choice), on: plan.closed)
                } catch {
                    outcome.problem = "\(error)"
                }
            }
            plan = try await look()
            let stillThere = Set(plan.given)
            outcome.given += before.given.count { !stillThere.contains($0) }
            if outcome.problem != nil || plan.given == before.given { break }
        }
        outcome.kept = plan.given.map(\.path)
        outcome.shared = plan.left
        return outcome
    }

    private var choice: WorkspaceContainer.OwnerChoice { target.isFoldersOwner ? .folder : .numbers(target.owner) }

    private func look() async throws(WorkspaceUnreadable) -> OwnershipPlan {
        let facts = await FileWork.run { [self] in
            Result { () throws(FileError) in
                try OwnershipScan.read(
                    try OpenFolder.open(trusted: projectFolder),
                    owner: target.owner.user,
                    since: since,
                    shouldStop: { stop.isOpen }
                )
            }
        }
        return OwnershipPlan(try unwrap(facts))
    }

    /// Gives entries that are still what they were.
    ///
    /// - Returns: Those that only somebody with more rights can give.
    private func give(_ entries: [ForeignEntry]) async throws(WorkspaceUnreadable) -> [WorkspacePath] {
        let refused = await FileWork.run { [self] in
            Result { () throws(FileError) in
                let root = try OpenFolder.open(trusted: projectFolder)
                var refused: [WorkspacePath] = []
                for entry in entries {
                    do throws(FileError) {
                        guard let (folders, name) = entry.path.split else { continue }
                        var folder = root
                        for part in folders { folder = try folder.folder(part) }
                        _ = try folder.give(name, entry.status, to: target.owner)
                    } catch {
                        if error.isDenied { refused.append(entry.path) }
                    }
                }
                return refused
            }
        }
        return try unwrap(refused)
    }

    private func unwrap<Value>(_ result: Result<Value, FileError>) throws(WorkspaceUnreadable) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let error): throw WorkspaceUnreadable(folder: projectFolder, cause: error)
        }
    }
}
