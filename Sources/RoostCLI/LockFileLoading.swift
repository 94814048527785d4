import Foundation
import OCIDistribution
import Pipeline
import RoostCore

/// Finds and reads `roost.lock` beside a pipeline's file.
enum LockFileLoading {
    static func url(for file: PipelineFile) -> URL {
        file.projectFolder.appending(path: LockFile.fileName)
    }

    /// Reads the lock file and checks that it knows all of the plan's images.
    ///
    /// - Throws: ``UsageError`` where it is missing, wrong, or older than the pipeline.
    static func load(for plan: PipelinePlan) throws -> LockFile {
        let url = url(for: plan.definition.file)
        let path = url.path(percentEncoded: false)
        guard let data = FileManager.default.contents(atPath: path) else {
            throw UsageError(description: "there is no \(LockFile.fileName) at \(path); write it with 'roost lock'")
        }
        let (lock, diagnostics) = LockFile.parse(String(decoding: data, as: UTF8.self), file: LockFile.fileName)
        guard let lock, !diagnostics.hasErrors else {
            let lines = diagnostics.map(\.description).joined(separator: "\n")
            throw UsageError(description: "\(path) can't be used; write it anew with 'roost lock'\n\(lines)")
        }
        let missing = lock.missing(from: plan.images.map(\.reference))
        guard missing.isEmpty else {
            let names = missing.map(\.familiar).joined(separator: ", ")
            throw UsageError(description: "\(path) does not know \(names); bring it up to date with 'roost lock'")
        }
        return lock
    }
}
