import Foundation
import RoostCore

/// What no wipe removes: the repository, the logs, the pipeline's file, and with them the workspace itself.
struct ProtectedPaths: Hashable, Sendable {
    /// In the project folder itself.
    let names: [String]
    /// The same by what they are, so that no other name of theirs is a way around.
    var identities: Set<FileIdentity> = []

    /// - Parameter fileName: The name of the pipeline's file, which lies in the project folder.
    init(fileName: String) {
        names = Self.folders.keys.sorted() + [fileName]
    }

    private init(names: [String]) { self.names = names }

    /// For a folder that is Roost's own.
    static let nothing = ProtectedPaths(names: [])

    /// Looks up what is there now.
    func identified(in root: OpenFolder) -> ProtectedPaths {
        var found = self
        for name in names {
            if let status = try? root.status(of: EntryName(name)) { found.identities.insert(status.identity) }
        }
        return found
    }

    func covers(_ identity: FileIdentity) -> Bool { identities.contains(identity) }

    /// Whether removing a path would remove one of these, or a part of it.
    func covers(_ path: WorkspacePath) -> Bool {
        path.bytes.isEmpty || names.contains { isSame($0, path.names.first) }
    }

    /// Some file systems know no capitals.
    private func isSame(_ name: String, _ other: EntryName?) -> Bool {
        other.map { String(decoding: $0.bytes, as: UTF8.self).lowercased() == name.lowercased() } ?? false
    }

    /// What is wrong with a pattern, or `nil`.
    func problem(in pattern: WipePattern) -> String? {
        if pattern.components == [.everything] { return "this would wipe the workspace itself" }
        for name in names {
            let state = pattern.advance(pattern.start, by: EntryName(name))
            // Where the pattern goes on, it means something within: nothing is wiped in the folders of others.
            guard pattern.isMatch(state) || (!state.isEmpty && Self.folders.keys.contains(name)) else { continue }
            return "this would wipe \(name), which is \(Self.folders[name] ?? "the pipeline's file")"
        }
        return nil
    }

    private static let folders = [".git": "the repository", ".roost": "Roost's own logs"]
}
