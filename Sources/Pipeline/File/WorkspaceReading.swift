import Foundation
import RoostCore

/// `[workspace]`.
extension PipelineReading {
    /// Reads the table; what is wrong is reported.
    func workspace(_ reader: TOMLTableReader?) -> WorkspaceDefinition {
        var workspace = WorkspaceDefinition()
        guard let reader else { return workspace }
        let patterns = reader.readableStrings("wipe", expected: "a list of paths such as [\"target\", \"build/**\"]")
        workspace.wipe = patterns?.strings.value.compactMap { pattern($0) } ?? []
        workspace.wipeWhen = reader.choice("wipe_when")?.value ?? workspace.wipeWhen
        workspace.ownership = reader.choice("ownership")?.value ?? workspace.ownership
        reader.finish()
        if reader.has("wipe_when"), !reader.has("wipe") {
            reader.reportMissing("wipe", "what to wipe, such as wipe = [\"target\"]")
        }
        return workspace
    }

    private func pattern(_ text: Located<String>) -> WipePattern? {
        do {
            let pattern = try WipePattern(parsing: text.value)
            guard let problem = ProtectedPaths(fileName: file.url.lastPathComponent).problem(in: pattern) else {
                return pattern
            }
            collector.error(problem, at: text.position, key: text.path)
        } catch {
            collector.error(error.description, at: text.position, key: text.path)
        }
        return nil
    }
}
