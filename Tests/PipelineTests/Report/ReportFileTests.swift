import Foundation
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Where a report goes")
struct ReportFileTests {
    private func link(_ folder: TemporaryDirectory, _ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
    }

    @Test("a link stays a link: its target is replaced, or made where it is not there yet")
    func links() async throws {
        try await TemporaryDirectory.with { folder in
            try folder.write("old", to: "kept/report.json")
            try link(folder, "absolute", to: folder.path("kept/report.json"))
            try link(folder, "kept/relative", to: "report.json")
            try link(folder, "twice", to: "kept/relative")
            try link(folder, "dangling", to: "kept/new.json")
            for (name, target) in [
                ("absolute", "kept/report.json"), ("twice", "kept/report.json"), ("dangling", "kept/new.json"),
            ] {
                let file = ReportFile(folder.path(name))
                #expect(file.form == .replaced)
                try file.write(Data(name.utf8))
                let link = try? FileManager.default.destinationOfSymbolicLink(atPath: folder.path(name))
                #expect(link != nil, "\(name) is a link still")
                #expect(FileManager.default.contents(atPath: folder.path(target)) == Data(name.utf8))
            }
        }
    }

    @Test("what a process has open is written to at its end, never replaced")
    func open() async throws {
        try await TemporaryDirectory.with { folder in
            let path = try folder.write("before ", to: "output")
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            defer { try? handle.close() }
            let file = ReportFile("/dev/fd/\(handle.fileDescriptor)")
            #expect(file.form == .written)
            try file.write(Data("report".utf8))
            #expect(try handle.readToEnd() == Data("before report".utf8))

            let pipe = Pipe()
            try ReportFile("/proc/self/fd/\(pipe.fileHandleForWriting.fileDescriptor)").write(Data("report".utf8))
            try pipe.fileHandleForWriting.close()
            #expect(try pipe.fileHandleForReading.readToEnd() == Data("report".utf8))
        }
    }

    @Test("folders, named pipes and rings of links can't be used; devices are written to")
    func forms() async throws {
        try await TemporaryDirectory.with { folder in
            try #require(mkfifo(folder.path("pipe"), 0o600) == 0)
            try link(folder, "ring", to: "ring")
            try link(folder, "to-pipe", to: "pipe")
            for name in ["pipe", "ring", "to-pipe", "", "."] {
                #expect(ReportFile(folder.path(name)).form == .unusable, "\(name)")
            }
            #expect(ReportFile("/dev/null").form == .written)
            #expect(ReportFile(folder.path("none/report.json")).form == .replaced)
        }
    }
}
