package import Pipeline

/// What of a workspace is not watched: what no step's work depends on, or what Roost and the steps make themselves.
package struct WatchRules: Sendable, Hashable {
    /// The pipeline's file, in the workspace; counts whatever else is said.
    package var pipelineFile: String
    /// What the pipeline wipes: it is there to be made anew.
    package var wipe: [WipePattern] = []
    /// Files that Roost writes beside its own folder, below the workspace.
    package var reports: Set<String> = []
    /// What git ignores, files and folders.
    package var ignoredByGit: Set<String> = []

    package init(pipelineFile: String) {
        self.pipelineFile = pipelineFile
    }

    /// - Parameter path: Below the workspace.
    /// - Returns: Whether the path, or a folder on the way to it, is not watched.
    package func ignores(_ path: String) -> Bool {
        if path == pipelineFile || path.isEmpty { return false }
        let names = path.split(separator: "/")
        if names.first == ".roost" || names.contains(".git") { return true }
        if let name = names.last, Self.isEditors(name) { return true }
        if reports.contains(path) { return true }
        var place = ""
        for name in names {
            place += place.isEmpty ? "\(name)" : "/\(name)"
            if ignoredByGit.contains(place) { return true }
            if !wipe.isEmpty {
                let path = WorkspacePath(place)
                if wipe.contains(where: { $0.matches(path) }) { return true }
            }
        }
        return false
    }

    /// What editors write beside the file that is edited: vim's swap files and its test for a writable folder, Emacs's locks
    /// and saves, and back-up copies.
    private static func isEditors(_ name: Substring) -> Bool {
        name.hasSuffix("~") || name == "4913" || name.hasPrefix(".#") || (name.hasPrefix("#") && name.hasSuffix("#"))
            || (name.hasPrefix(".") && [".swp", ".swo", ".swx"].contains { name.hasSuffix($0) })
    }
}
