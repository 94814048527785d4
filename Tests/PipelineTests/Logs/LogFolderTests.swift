import Foundation
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Raw logs on disk")
struct LogFolderTests {
    /// A project folder that goes with the test.
    private final class Project {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "roost-logs-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func bytes(_ relative: String) -> [UInt8]? {
            FileManager.default.contents(atPath: path + "/" + relative).map { [UInt8]($0) }
        }

        func mode(_ relative: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path + "/" + relative)
            return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
        }
    }

    private let id = StepID(stage: "build", step: "compile")

    @Test("raw bytes are kept as they came, in private files of a folder that git ignores")
    func keepsBytes() throws {
        let project = try Project()
        let folder = try LogFolder(project: project.path, runID: "r1")
        let file = try folder.file(for: id, attempt: 2)
        let bytes: [UInt8] = [0x00, 0xFF, 0x1B, 0x5B, 0x0A, 0x0D]
        try file.write(bytes)
        try file.write(bytes)
        try file.close()
        try file.close()
        #expect(file.path == ".roost/runs/r1/build/compile.2.log")
        #expect(project.bytes(file.path) == bytes + bytes)
        #expect(project.bytes(".roost/.gitignore") == Array("*\n".utf8))
        #expect(try project.mode(file.path) == 0o600)
        for made in [".roost", ".roost/runs", ".roost/runs/r1", ".roost/runs/r1/build"] {
            #expect(try project.mode(made) == 0o700)
        }
        #expect(throws: LogFileError.closed(path: file.path)) { try file.write(bytes) }
    }

    @Test("a second run and a .gitignore of the user's own are left alone")
    func secondRun() throws {
        let project = try Project()
        _ = try LogFolder(project: project.path, runID: "r1")
        try Data("mine\n".utf8).write(to: URL(fileURLWithPath: project.path + "/.roost/.gitignore"))
        _ = try LogFolder(project: project.path, runID: "r2").file(for: id, attempt: 1)
        #expect(project.bytes(".roost/.gitignore") == Array("mine\n".utf8))
    }

    @Test("a log that can't be made is told by its name, and a report says nothing of a file")
    func rawLogRefused() async throws {
        let project = try Project()
        let folder = try LogFolder(project: project.path, runID: "r1")
        let told = Shared<[String]>([])
        func open() async -> RawLog {
            await RawLog.open(for: id) { event in
                if case .warning(let text) = event { told.update { $0.append(text) } }
            } make: {
                try folder.file(for: id, attempt: 1)
            }
        }
        let first = await open()
        #expect(first.path == ".roost/runs/r1/build/compile.1.log" && told.value.isEmpty)
        let second = await open()
        #expect(second.path == nil && told.value.count == 1)
        #expect(told.value.first?.hasPrefix("build/compile: its raw log can't be kept: ") == true)
        var warning: String? = "it was late"
        for log in [first, second] { log.close(addingTo: &warning) }
        #expect(warning == "it was late")
        #expect(String(problems: [nil, "a", nil, "b"]) == "a; b")
        #expect(String(problems: [nil]) == nil)
    }

    @Test("one attempt's log is never written over")
    func neverOverwrites() throws {
        let project = try Project()
        let folder = try LogFolder(project: project.path, runID: "r1")
        _ = try folder.file(for: id, attempt: 1)
        #expect(throws: LogFileError.exists(path: ".roost/runs/r1/build/compile.1.log")) {
            _ = try folder.file(for: id, attempt: 1)
        }
    }

    @Test(
        "a symbolic link in the way is refused, and nothing is written through it",
        arguments: [".roost", ".roost/runs", ".roost/runs/r1", ".roost/runs/r1/build", ".roost/.gitignore"]
    )
    func folderLinks(link: String) throws {
        let project = try Project()
        let outside = try Project()
        let url = URL(fileURLWithPath: project.path + "/" + link)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: url.path,
            withDestinationPath: link.hasSuffix(".gitignore") ? outside.path + "/file" : outside.path
        )
        #expect(throws: LogFileError.linkInTheWay(path: link)) {
            _ = try LogFolder(project: project.path, runID: "r1").file(for: id, attempt: 1)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.path).isEmpty)
    }

    @Test("a link, and a hard link, where the log should be are refused")
    func fileLinks() throws {
        let project = try Project()
        let folder = try LogFolder(project: project.path, runID: "r1")
        _ = try folder.file(for: id, attempt: 1)
        let path = ".roost/runs/r1/build/compile"
        let victim = project.path + "/victim"
        try Data("keep".utf8).write(to: URL(fileURLWithPath: victim))
        try FileManager.default.createSymbolicLink(
            atPath: "\(project.path)/\(path).2.log",
            withDestinationPath: victim
        )
        try FileManager.default.linkItem(atPath: victim, toPath: "\(project.path)/\(path).3.log")
        #expect(throws: LogFileError.linkInTheWay(path: "\(path).2.log")) {
            _ = try folder.file(for: id, attempt: 2)
        }
        #expect(throws: LogFileError.exists(path: "\(path).3.log")) { _ = try folder.file(for: id, attempt: 3) }
        #expect(project.bytes("victim") == Array("keep".utf8))
    }

    @Test("a file where a folder should be says so")
    func fileForFolder() throws {
        let project = try Project()
        try Data().write(to: URL(fileURLWithPath: project.path + "/.roost"))
        #expect(throws: LogFileError.notAFolder(path: ".roost")) {
            _ = try LogFolder(project: project.path, runID: "r1")
        }
    }

    @Test("a folder that is not the caller's to write to is told with what to do", arguments: [EACCES, EPERM, EROFS])
    func refused(code: Int32) {
        let error = LogFileError.from(code, "make", ".roost")
        #expect(error.description.hasPrefix("can't make .roost: "))
        #expect(error.description.hasSuffix("in the project folder, which has to be yours to write to"))
    }

    @Test("a full disk is an error of its own", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func diskFull() throws {
        let file = StepLogFile(open("/dev/full", O_WRONLY | O_CLOEXEC), path: "a.log")
        #expect(throws: LogFileError.diskFull(path: "a.log")) { try file.write([1]) }
    }

    @Test("hostile names stay inside the folder and apart from one another")
    func hostileNames() throws {
        let project = try Project()
        let folder = try LogFolder(project: project.path, runID: "../../r1")
        let long = String(repeating: "é", count: 200)
        let names = ["", ".", "..", "../../x", "a/b", "a%2Fb", "a b", "\0", "\u{1B}[31m", long, long + "x", "A", ".a"]
        var paths: Set<String> = []
        for name in names {
            let file = try folder.file(for: StepID(stage: name, step: name), attempt: 1)
            paths.insert(file.path)
            #expect(project.bytes(file.path) == [])
            #expect(file.path.split(separator: "/").count == 5)
        }
        #expect(paths.count == names.count)
        #expect(try FileManager.default.contentsOfDirectory(atPath: project.path) == [".roost"])
        #expect(FileName.encode("..") == "%2E.")
        #expect(FileName.encode("unit tests/α") == "unit%20tests%2F%CE%B1")
    }
}
