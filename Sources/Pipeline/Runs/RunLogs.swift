package import Foundation

/// A raw log that a run has kept.
package struct RunLog: Hashable, Sendable {
    package let id: StepID
    /// Counted from 1.
    package let attempt: Int
    /// In the folder of the runs.
    let folder: String
    let name: String
    let runID: RunID

    /// Relative to the project folder.
    package var path: String { ".roost/runs/\(runID)/\(folder)/\(name)" }
}

extension RunsFolder {
    /// The raw logs of a run: in the order of its report, where it has one, else by name; attempt after attempt.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - report: Its report, for the order alone.
    /// - Returns: The logs; none where the run has no folder.
    package func logs(of id: RunID, report: RunReport?) -> [RunLog] {
        guard let run = try? folder.folder(EntryName(id.description)), let stages = try? run.entries() else {
            return []
        }
        var logs: [RunLog] = []
        for stage in stages where stage.mayBeFolder {
            guard let folder = try? run.folder(stage.name), let files = try? folder.entries() else { continue }
            let stageName = String(decoding: stage.name.bytes, as: UTF8.self)
            logs += files.compactMap { RunLog(stage: stageName, file: $0.name, runID: id) }
        }
        let order = (report?.stages.flatMap(\.steps) ?? []).enumerated().map { offset, step in
            (FileName.encode(step.id.stage) + "/" + FileName.encode(step.id.step), offset)
        }
        let places = Dictionary(order) { first, _ in first }
        return logs.sorted { left, right in
            let leftPlace = places[left.key] ?? .max, rightPlace = places[right.key] ?? .max
            if leftPlace != rightPlace { return leftPlace < rightPlace }
            return (left.key, left.attempt) < (right.key, right.attempt)
        }
    }

    /// Opens a log for reading; its descriptor goes with the handle.
    ///
    /// - Throws: ``RunsUnreadable`` for anything but a regular file.
    package func open(_ log: RunLog) throws(RunsUnreadable) -> FileHandle {
        do {
            let stage = try folder.folder(EntryName(log.runID.description)).folder(EntryName(log.folder))
            return try stage.regularFile(EntryName(log.name))
        } catch let error as RunFileProblem {
            throw RunsUnreadable(folder: log.path, problem: error.description)
        } catch {
            throw RunsUnreadable(folder: log.path, problem: "\(error)")
        }
    }
}

extension RunLog {
    /// `STEP.ATTEMPT.log`, as ``LogFolder`` names them.
    fileprivate init?(stage: String, file: EntryName, runID: RunID) {
        let name = String(decoding: file.bytes, as: UTF8.self)
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts.last == "log", let attempt = Int(parts[parts.count - 2]), attempt > 0 else {
            return nil
        }
        let step = parts.dropLast(2).joined(separator: ".")
        self.init(
            id: StepID(stage: FileName.decode(stage), step: FileName.decode(step)),
            attempt: attempt,
            folder: stage,
            name: name,
            runID: runID
        )
    }

    /// Stage and step as their files are named: a long name can't be read back from its file's.
    fileprivate var key: String {
        folder + "/" + name.split(separator: ".", omittingEmptySubsequences: false).dropLast(2).joined(separator: ".")
    }

    /// Whether it is of the step that a caller names, as `STAGE/STEP` or by the step's name alone.
    package func matches(_ name: String) -> Bool {
        if id.description == name || id.step == name || key.hasSuffix("/" + FileName.encode(name)) { return true }
        return name.indices.filter { name[$0] == "/" }.contains { slash in
            key == FileName.encode(String(name[..<slash])) + "/"
                + FileName.encode(String(name[name.index(after: slash)...]))
        }
    }
}

extension FileName {
    /// The name that ``encode(_:)`` was given, but for one that it had to cut.
    static func decode(_ encoded: String) -> String {
        guard encoded != "%" else { return "" }
        var bytes: [UInt8] = []
        var rest = Array(encoded.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(code)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
