package import Foundation

/// A raw log that a run has kept, of a step or of a service.
package struct RunLog: Hashable, Sendable {
    /// The step; of a service its stage, which is empty where it ran beside all stages, and its name.
    package let id: StepID
    package let isService: Bool
    /// Counted from 1.
    package let attempt: Int
    /// In the run's folder; `nil` for a file in that folder itself.
    let folder: String?
    let name: String
    let runID: RunID

    /// Relative to the project folder.
    package var path: String { ".roost/runs/\(runID)/\(folder.map { "\($0)/" } ?? "")\(name)" }
}

extension RunsFolder {
    /// The raw logs of a run: in the order of its report, where it has one, else by name; attempt after attempt. Those of
    /// services come before those of the steps beside them.
    ///
    /// - Parameters:
    ///   - id: The run.
    ///   - report: Its report, for the order alone.
    /// - Returns: The logs; none where the run has no folder.
    package func logs(of id: RunID, report: RunReport?) -> [RunLog] {
        guard let run = try? folder.folder(EntryName(id.description)), let stages = try? run.entries() else {
            return []
        }
        var logs = stages.compactMap { RunLog(service: $0.name, stage: nil, runID: id) }
        for stage in stages where stage.mayBeFolder {
            guard let folder = try? run.folder(stage.name), let files = try? folder.entries() else { continue }
            let stageName = String(decoding: stage.name.bytes, as: UTF8.self)
            logs += files.compactMap {
                RunLog(stage: stageName, file: $0.name, runID: id)
                    ?? RunLog(service: $0.name, stage: stageName, runID: id)
            }
        }
        let stagePlaces = (report?.stages ?? []).enumerated().map { (FileName.encode($1.name), $0) }
        let stageOrder = Dictionary(stagePlaces) { first, _ in first }
        let order = (report?.stages.flatMap(\.steps) ?? []).enumerated().map { offset, step in
            (FileName.encode(step.id.stage) + "/" + FileName.encode(step.id.step), offset)
        }
        let places = Dictionary(order) { first, _ in first }
        func place(_ log: RunLog) -> (Int, String, Int, Int) {
            let stage = log.folder.map { stageOrder[$0] ?? .max } ?? -1
            return (stage, log.folder ?? "", log.isService ? 0 : 1, places[log.key] ?? .max)
        }
        return logs.sorted { left, right in
            let leftPlace = place(left), rightPlace = place(right)
            if leftPlace != rightPlace { return leftPlace < rightPlace }
            return (left.key, left.attempt) < (right.key, right.attempt)
        }
    }

    /// Opens a log for reading; its descriptor goes with the handle.
    ///
    /// - Throws: ``RunsUnreadable`` for anything but a regular file.
    package func open(_ log: RunLog) throws(RunsUnreadable) -> FileHandle {
        do {
            let run = try folder.folder(EntryName(log.runID.description))
            guard let stage = log.folder else { return try run.regularFile(EntryName(log.name)) }
            return try run.folder(EntryName(stage)).regularFile(EntryName(log.name))
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
            isService: false,
            attempt: attempt,
            folder: stage,
            name: name,
            runID: runID
        )
    }

    /// `service-NAME.log`, as ``LogFolder`` names them; a service's name has no point.
    fileprivate init?(service file: EntryName, stage: String?, runID: RunID) {
        let name = String(decoding: file.bytes, as: UTF8.self)
        guard name.hasPrefix("service-"), name.hasSuffix(".log"), name.split(separator: ".").count == 2 else {
            return nil
        }
        let service = FileName.decode(String(name.dropFirst(8).dropLast(4)))
        self.init(
            id: StepID(stage: stage.map(FileName.decode) ?? "", step: service),
            isService: true,
            attempt: 1,
            folder: stage,
            name: name,
            runID: runID
        )
    }

    /// Whose it is, for people.
    package var title: String {
        isService ? ServiceID(stage: folder == nil ? nil : id.stage, service: id.step).phrase : id.description
    }

    /// Stage and step as their files are named: a long name can't be read back from its file's.
    fileprivate var key: String {
        (folder ?? "") + "/"
            + name.split(separator: ".", omittingEmptySubsequences: false).dropLast(2).joined(separator: ".")
    }

    /// Whether it is of the step or service that a caller names, as `STAGE/STEP` or by its name alone.
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
