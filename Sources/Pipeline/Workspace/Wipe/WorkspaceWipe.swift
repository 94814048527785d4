import Foundation
package import RoostCore

/// A workspace can't be looked at.
package struct WorkspaceUnreadable: Error, CustomStringConvertible {
    let folder: String
    let cause: FileError

    package var description: String { "the workspace \(folder) can't be looked at: \(cause)" }
}

/// The wipe of one workspace: looks, decides, removes.
package struct WorkspaceWipe: Sendable {
    private let projectFolder: String
    private let patterns: [WipePattern]
    private let protected: ProtectedPaths
    private let stop: Latch

    /// - Parameters:
    ///   - definition: What to wipe, and the file that says so.
    ///   - projectFolder: Absolute, links resolved.
    ///   - stop: Opens where the wipe should end.
    package init(_ definition: PipelineDefinition, projectFolder: String, stop: Latch) {
        self.projectFolder = projectFolder
        patterns = definition.workspace.wipe
        protected = ProtectedPaths(fileName: definition.file.url.lastPathComponent)
        self.stop = stop
    }

    /// Looks and decides; changes nothing.
    ///
    /// - Throws: ``WorkspaceUnreadable``.
    package func plan() async throws(WorkspaceUnreadable) -> WipePlan {
        let listed = await FileWork.run { [self] in
            Result { () throws(FileError) in
                try WipeListing.read(
                    patterns,
                    in: try OpenFolder.open(trusted: projectFolder),
                    protected: protected,
                    shouldStop: { stop.isOpen }
                )
            }
        }
        return WipePlan(try unwrap(listed))
    }

    /// Carries a plan out.
    ///
    /// - Parameters:
    ///   - plan: What to remove.
    ///   - withContainer: Hands what does it where the caller may not; asked only then, and throws where there is none.
    /// - Returns: What has gone, and what is left.
    /// - Throws: ``WorkspaceUnreadable``.
    package func apply(
        _ plan: WipePlan,
        withContainer: (@escaping @Sendable (WorkspaceContainer) async throws -> Void) async throws -> Void
    ) async throws(WorkspaceUnreadable) -> WipeOutcome {
        var left = try await remove(plan.removals)
        let denied = left.values.joined().filter { $0.reason == .denied }.map(\.path).uniquedAndSorted()
        var problem: String?
        if !denied.isEmpty, !stop.isOpen {
            do {
                try await withContainer { try await $0.perform(.remove, on: denied) }
            } catch {
                problem = "\(error)"
            }
            let again = plan.removals.filter { left[$0.path]?.contains { $0.reason == .denied } ?? false }
            left.merge(try await remove(again)) { $1 }
        }
        var outcome = WipeOutcome()
        outcome.kept = plan.kept.filter { $0.reason != .mount }
        for removal in plan.removals {
            let remarks = left[removal.path] ?? []
            if remarks.isEmpty { outcome.removed.append(removal) }
            outcome.kept += remarks.map { remark in
                guard remark.reason == .denied, let problem else { return remark }
                return WipeRemark(remark.path, .failed("you may not remove it, and a container did not: \(problem)"))
            }
        }
        // Mounts that stand apart from all removals.
        outcome.kept += plan.kept.filter { $0.reason == .mount && !outcome.kept.contains($0) }
        outcome.kept.sort { $0.path < $1.path }
        return outcome
    }

    /// - Returns: For each path, what is left of it.
    private func remove(_ candidates: [WipeCandidate]) async throws(WorkspaceUnreadable) -> [WorkspacePath:
        [WipeRemark]]
    {
        let removed = await FileWork.run { [self] in
            Result { () throws(FileError) in
                let removal = try WipeRemoval(
                    root: try OpenFolder.open(trusted: projectFolder),
                    protected: protected,
                    shouldStop: { stop.isOpen }
                )
                return Dictionary(candidates.map { ($0.path, removal.remove($0)) }) { first, _ in first }
            }
        }
        return try unwrap(removed)
    }

    private func unwrap<Value>(_ result: Result<Value, FileError>) throws(WorkspaceUnreadable) -> Value {
        switch result {
        case .success(let value): return value
        case .failure(let error): throw WorkspaceUnreadable(folder: projectFolder, cause: error)
        }
    }
}

extension [WorkspacePath] {
    fileprivate func uniquedAndSorted() -> [WorkspacePath] { Set(self).sorted() }
}
