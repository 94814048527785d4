import Foundation
package import RoostCore

/// Somebody else uses a workspace, so that nothing in it is wiped.
package struct WorkspaceInUse: Error, Hashable, CustomStringConvertible {
    package let description =
        "another run uses this workspace now, so that nothing in it is wiped; try again when it has ended"
}

/// Says, to all roosts of this machine, that a workspace is in use: by runs side by side, or by one wipe alone.
///
/// A lock of the kernel's on the project folder, which goes with the process that holds it, however that ends.
package final class WorkspaceUse: Sendable {
    private let folder: OpenFolder

    /// While somebody else wipes, how often to look whether they have ended.
    private static let pause = Duration.milliseconds(20)

    /// - Parameter projectFolder: Absolute, links resolved.
    /// - Throws: ``WorkspaceUnreadable``.
    package init(_ projectFolder: String) throws(WorkspaceUnreadable) {
        do {
            folder = try OpenFolder.open(trusted: projectFolder)
        } catch {
            throw WorkspaceUnreadable(folder: projectFolder, cause: error)
        }
    }

    /// Uses the workspace beside others; waits while it is wiped.
    ///
    /// - Parameter stop: Opens where the wait should end.
    func share(until stop: Latch) async {
        while flock(folder.descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK, !stop.isOpen {
            guard (try? await ContinuousClock().sleep(for: Self.pause)) != nil else { return }
        }
    }

    /// Takes the workspace for itself alone.
    ///
    /// - Parameter stop: Opens where a wait for the former use should end.
    /// - Throws: ``WorkspaceInUse``; a use beside others then goes on.
    package func takeAlone(until stop: Latch) async throws(WorkspaceInUse) {
        // A file system that knows no locks does not keep anybody from a wipe.
        guard flock(folder.descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
        // The kernel gives up the old lock before it tries for the new one.
        await share(until: stop)
        throw WorkspaceInUse()
    }
}
