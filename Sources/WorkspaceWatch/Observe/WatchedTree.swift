import Foundation

/// The folders below a workspace, each watched, and what is in them.
///
/// Links are not followed. What the rules leave out is neither watched nor told.
struct WatchedTree {
    private struct Folder {
        let path: String
        var names: Set<String>
    }

    private let root: String
    private let inotify: Inotify
    private(set) var rules: WatchRules
    private var folders: [Int32: Folder] = [:]
    private var watches: [String: Int32] = [:]

    /// - Throws: ``WatchFailure`` where the folder, or one below, can't be watched.
    init(root: String, inotify: Inotify, rules: WatchRules) throws(WatchFailure) {
        self.root = root
        self.inotify = inotify
        self.rules = rules
        try watch("")
        if watches[""] == nil { throw .gone(root) }
    }

    /// How many folders are watched.
    var count: Int { folders.count }

    /// Takes other rules: what they leave out is let go, what they take in is watched.
    mutating func use(_ new: WatchRules) throws(WatchFailure) {
        guard new != rules else { return }
        rules = new
        for path in watches.keys where rules.ignores(path) { forget(path) }
        try watch("")
    }

    /// Reads all that has happened, and watches the folders that have come.
    mutating func read() throws(WatchFailure) -> [Change] {
        var changes: [Change] = []
        while true {
            let events = try inotify.read()
            if events.isEmpty { return changes }
            for event in events { try handle(event, &changes) }
        }
    }

    private mutating func handle(_ event: Inotify.Event, _ changes: inout [Change]) throws(WatchFailure) {
        if event.isOverflow {
            changes.append(.everything)
            return try watch("")
        }
        guard let folder = folders[event.watch] else { return }
        guard !event.name.isEmpty else {
            if folder.path.isEmpty, event.has(IN_DELETE_SELF, IN_MOVE_SELF, IN_IGNORED) { throw .gone(root) }
            if event.has(IN_IGNORED) { remove(event.watch) }
            return
        }
        let path = Self.path(folder.path, event.name)
        let wasThere = folder.names.contains(event.name)
        if event.has(IN_DELETE, IN_MOVED_FROM) {
            folders[event.watch]?.names.remove(event.name)
        } else {
            folders[event.watch]?.names.insert(event.name)
        }
        guard !rules.ignores(path) else { return }
        changes.append(Change(path, wasThere: wasThere))
        guard event.isFolder else { return }
        // A watch is of the folder, not of its name: one that moves away keeps it.
        if event.has(IN_MOVED_FROM) { forget(path) }
        if event.has(IN_CREATE, IN_MOVED_TO) { try watch(path, telling: &changes) }
    }

    // MARK: - Folders

    private mutating func watch(_ path: String) throws(WatchFailure) {
        var known: [Change] = []
        try watch(path, telling: &known)
    }

    /// Watches a folder with all below, and tells what it holds: it may have come before the watch did.
    private mutating func watch(_ path: String, telling changes: inout [Change]) throws(WatchFailure) {
        var rest = [path]
        while let path = rest.popLast() {
            let place = path.isEmpty ? root : root + "/" + path
            guard let watch = try inotify.watch(place) else { continue }
            // The same folder under another name, whose move has not been read yet.
            if let other = folders[watch]?.path, other != path { watches[other] = nil }
            let entries = Self.entries(of: place)
            folders[watch] = Folder(path: path, names: Set(entries.map(\.name)))
            watches[path] = watch
            for entry in entries {
                let child = Self.path(path, entry.name)
                guard !rules.ignores(child) else { continue }
                changes.append(Change(child, wasThere: false))
                if entry.isFolder { rest.append(child) }
            }
        }
    }

    private mutating func forget(_ path: String) {
        for (other, watch) in watches where other == path || other.hasPrefix(path + "/") {
            inotify.forget(watch)
            remove(watch)
        }
    }

    private mutating func remove(_ watch: Int32) {
        guard let folder = folders.removeValue(forKey: watch) else { return }
        if watches[folder.path] == watch { watches[folder.path] = nil }
    }

    private static func path(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : folder + "/" + name
    }

    private static func entries(of path: String) -> [(name: String, isFolder: Bool)] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var entries: [(name: String, isFolder: Bool)] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            var isFolder = Int32(entry.pointee.d_type) == Int32(DT_DIR)
            if Int32(entry.pointee.d_type) == Int32(DT_UNKNOWN) {
                var status = stat()
                isFolder = lstat(path + "/" + name, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
            }
            entries.append((name, isFolder))
        }
        return entries
    }
}
