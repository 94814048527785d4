import CWorkspaceFiles
import Foundation
package import RoostCore

/// Where on this machine the files of secrets lie while containers use them: below a folder in memory, which no disk keeps.
///
/// `<place>/roost-<user id>/<process>/<container>/NAME`. All but the last two are for this user alone; a container sees only
/// its own folder, which anyone in it can read. A process that was killed leaves its folder, named by its identity, to
/// whoever comes next.
package struct SecretPlace: Hashable, Sendable {
    /// The folder in memory.
    let base: String

    /// Finds the folder in memory: the user's own of the session, else the one of all.
    ///
    /// - Parameter environment: The process's environment.
    /// - Throws: ``SecretFolderError/noMemory`` where there is none.
    package init(environment: [String: String]) throws(SecretFolderError) {
        let candidates = Self.candidates(environment)
        guard let base = candidates.first(where: Self.isInMemory) else { throw .noMemory(looked: candidates) }
        self.base = base
    }

    init(base: String) { self.base = base }

    private static func candidates(_ environment: [String: String]) -> [String] {
        let session = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (session.map { [$0] } ?? []) + ["/dev/shm"]
    }

    /// Whether a folder is on a tmpfs, whatever it is called.
    static func isInMemory(_ path: String) -> Bool { roost_is_in_memory(path) != 0 }

    /// The folder of all of this user's processes.
    var root: String { "\(base)/roost-\(geteuid())" }

    /// The name of a process's folder: its identity, whose parts never hold a dot.
    static func name(of owner: OwnerIdentity) -> String {
        owner.description.replacing("/", with: ".")
    }

    /// The process that a folder is named by; `nil` for any other name.
    static func owner(named name: String) -> OwnerIdentity? {
        guard let owner = OwnerIdentity(parsing: name.replacing(".", with: "/")), Self.name(of: owner) == name else {
            return nil
        }
        return owner
    }

    // MARK: - What killed processes left

    /// A folder whose process has ended, or one that could not be looked at.
    package struct Abandoned: Hashable, Sendable {
        package let path: String
        package let owner: OwnerIdentity
        /// Why it is still there; `nil` where it is gone, or was only looked for.
        package var problem: String?
    }

    /// Finds the folders of processes that have ended, in every place where they may be, and removes them.
    ///
    /// - Parameters:
    ///   - environment: The process's environment.
    ///   - processes: Tells whether a process lives.
    ///   - dryRun: Only looks.
    /// - Returns: What was found.
    package static func reap(
        environment: [String: String],
        processes: some ProcessFacts = SystemProcesses(),
        dryRun: Bool = false
    ) -> [Abandoned] {
        candidates(environment).filter(isInMemory).flatMap { base -> [Abandoned] in
            let place = SecretPlace(base: base)
            // One that is not there, or somebody else's, holds no secrets of this user's.
            guard let root = try? SecretDirectory.openOwn(place.root) else { return [] }
            return root.names().compactMap { name in
                guard let owner = owner(named: name), !owner.isAlive(by: processes) else { return nil }
                var found = Abandoned(path: "\(place.root)/\(name)", owner: owner)
                guard !dryRun else { return found }
                do throws(SecretFolderError) {
                    try root.removeTree(name, depth: 2)
                    rmdir(place.root)
                } catch {
                    found.problem = error.description
                }
                return found
            }
        }
    }
}

/// The files of one container's secrets can't be made or removed.
package enum SecretFolderError: Error, Hashable, CustomStringConvertible {
    /// No folder in memory was found.
    case noMemory(looked: [String])
    /// The folder is a link, another user's, or open to others.
    case notOwn(path: String)
    case system(operation: String, path: String, code: Int32)

    package var description: String {
        switch self {
        case .noMemory(let looked):
            "there is no folder in memory (tmpfs) for the files of secrets: looked at "
                + looked.joined(separator: " and ")
                + "; mount one at /dev/shm, or give the secrets as variables (env = true)"
        case .notOwn(let path):
            "\(path) is not a folder of this user's alone, so no secret is put into it; remove it, or have it removed"
        case .system(let operation, let path, let code):
            "can't \(operation) \(path): \(String(cString: strerror(code)))"
        }
    }
}
