import Foundation
package import RoostCore

/// The folder of one run, `.roost/runs/<id>` in the project folder: its raw logs, whose process it is, and at its end its report.
///
/// Each folder is opened relative to the one above and never through a symbolic link, so that a checked-out project can't
/// direct the logs elsewhere. `.roost` ignores itself in git.
package final class LogFolder: Sendable {
    /// The folder, relative to the project folder.
    package let path: String
    private let descriptor: FolderDescriptor

    /// Makes the run's folder, and `.roost` where it is missing, and writes down whose it is.
    ///
    /// - Parameters:
    ///   - project: The project folder; the path to it may hold links.
    ///   - runID: The run; no other run may have the same.
    ///   - owner: The process that runs it.
    /// - Throws: ``LogFileError`` where a link or a file is in the way, or the disk refuses.
    package init(project: String, runID: String, owner: OwnerIdentity = .current) throws(LogFileError) {
        let root = open(project, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw LogFileError.from(errno, "open", project) }
        let top = try FolderDescriptor(root).folder(".roost", path: ".roost")
        try Self.ignoreItself(top)
        let runs = try top.folder("runs", path: ".roost/runs")
        path = ".roost/runs/" + FileName.encode(runID)
        descriptor = try runs.folder(FileName.encode(runID), path: path)
        try descriptor.write(
            Array("\(owner)\n".utf8),
            as: RunsFolder.ownerName,
            path: "\(path)/\(RunsFolder.ownerName)"
        )
    }

    /// Keeps the run's report, in one move: from then on the run has ended.
    ///
    /// - Throws: ``LogFileError``.
    package func keep(_ report: RunReport) throws {
        let name = RunsFolder.reportName
        try descriptor.write(try RunReportEncoder.encode(report), as: name, path: "\(path)/\(name)")
    }

    /// Opens the log of one attempt of a step; it holds one descriptor until it is closed.
    ///
    /// - Throws: ``LogFileError``; ``LogFileError/exists(path:)`` where the attempt has a log already.
    package func file(for id: StepID, attempt: Int) throws(LogFileError) -> StepLogFile {
        let stage = FileName.encode(id.stage)
        let name = "\(FileName.encode(id.step)).\(attempt).log"
        let folder = try descriptor.folder(stage, path: "\(path)/\(stage)")
        let filePath = "\(path)/\(stage)/\(name)"
        return StepLogFile(try folder.newFile(name, path: filePath), path: filePath)
    }

    /// Opens the log of a service; see ``file(for:attempt:)``.
    ///
    /// - Throws: ``LogFileError``.
    package func file(for id: ServiceID) throws(LogFileError) -> StepLogFile {
        // A log of a step has its attempt's number before the last point, and a service's name has no point.
        let name = "service-\(FileName.encode(id.service)).log"
        guard let stage = id.stage.map(FileName.encode) else {
            return StepLogFile(try descriptor.newFile(name, path: "\(path)/\(name)"), path: "\(path)/\(name)")
        }
        let folder = try descriptor.folder(stage, path: "\(path)/\(stage)")
        let filePath = "\(path)/\(stage)/\(name)"
        return StepLogFile(try folder.newFile(name, path: filePath), path: filePath)
    }

    private static func ignoreItself(_ folder: FolderDescriptor) throws(LogFileError) {
        let path = ".roost/.gitignore"
        let file: Int32
        do {
            file = try folder.newFile(".gitignore", path: path)
        } catch LogFileError.exists {
            return
        }
        let log = StepLogFile(file, path: path)
        try log.write(Array("*\n".utf8))
        try log.close()
    }
}

/// An open folder, closed with its last reference.
private final class FolderDescriptor: Sendable {
    private let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    /// Opens a folder in this one, made (0700) where it is missing.
    func folder(_ name: String, path: String) throws(LogFileError) -> FolderDescriptor {
        if mkdirat(number, name, 0o700) != 0, errno != EEXIST { throw LogFileError.from(errno, "make", path) }
        let inner = openat(number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if inner >= 0 { return FolderDescriptor(inner) }
        let code = errno
        // Linux says ENOTDIR, not ELOOP, of a link where O_DIRECTORY is asked for as well.
        throw isLink(name) ? .linkInTheWay(path: path) : LogFileError.from(code, "open", path)
    }

    /// Makes a file (0600) that was not there; its descriptor is the caller's.
    func newFile(_ name: String, path: String) throws(LogFileError) -> Int32 {
        let file = openat(number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0o600)
        if file >= 0 { return file }
        let code = errno
        throw code == EEXIST && isLink(name) ? .linkInTheWay(path: path) : LogFileError.from(code, "make", path)
    }

    /// Writes a file (0600) in one move, in the place of what has its name.
    func write(_ bytes: [UInt8], as name: String, path: String) throws(LogFileError) {
        // Steps can write here, too: they must not be able to guess the name.
        let draft = ".draft-\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
        let file = StepLogFile(try newFile(draft, path: path), path: path)
        do throws(LogFileError) {
            try file.write(bytes)
            try file.close()
            guard renameat(number, draft, number, name) == 0 else { throw .from(errno, "write", path) }
        } catch {
            unlinkat(number, draft, 0)
            throw error
        }
    }

    private func isLink(_ name: String) -> Bool {
        var status = stat()
        return fstatat(number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}
