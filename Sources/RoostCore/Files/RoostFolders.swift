package import Foundation

/// Where Roost keeps what it needs between two calls, by the XDG base directory rules.
///
/// `ROOST_HOME` puts all of it under one folder.
package struct RoostFolders: Sendable {
    package let state: URL
    package let cache: URL
    package let configuration: URL

    /// - Parameter environment: The process's environment.
    package init(environment: [String: String]) {
        func folder(_ name: String) -> URL? {
            // The XDG rules: "All paths must be absolute. … [a] relative path [is] invalid and [to be ignored]."
            environment[name].flatMap { $0.hasPrefix("/") ? URL(filePath: $0, directoryHint: .isDirectory) : nil }
        }
        if let home = environment["ROOST_HOME"], !home.isEmpty {
            let root = URL(filePath: home, directoryHint: .isDirectory).absoluteURL
            state = root.appending(path: "state", directoryHint: .isDirectory)
            cache = root.appending(path: "cache", directoryHint: .isDirectory)
            configuration = root.appending(path: "config", directoryHint: .isDirectory)
            return
        }
        let home = folder("HOME") ?? URL(filePath: "/root", directoryHint: .isDirectory)
        func place(_ name: String, _ fallback: String) -> URL {
            (folder(name) ?? home.appending(path: fallback, directoryHint: .isDirectory))
                .appending(path: "roost", directoryHint: .isDirectory)
        }
        state = place("XDG_STATE_HOME", ".local/state")
        cache = place("XDG_CACHE_HOME", ".cache")
        configuration = place("XDG_CONFIG_HOME", ".config")
    }
}
