import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Where mounts of the project folder lead")
struct MountSourceTests {
    @Test("links within the project folder are followed, and what leads out of it is refused")
    func links() async throws {
        try await TemporaryDirectory.with { directory in
            let root = try #require(realpath(directory.path, nil).map { String(cString: $0) })
            let project = root + "/project"
            let files = FileManager.default
            try files.createDirectory(atPath: project + "/data/sub", withIntermediateDirectories: true)
            try files.createDirectory(atPath: root + "/project-else", withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: project + "/file"))
            for (name, target) in [
                ("inner", "data/sub"), ("out", "/etc"), ("beside", "../project-else"), ("up", ".."), ("chain", "out"),
                ("nowhere", "data/none"), ("loop", "loop"), ("around", "../project/data"),
            ] {
                try files.createSymbolicLink(atPath: project + "/" + name, withDestinationPath: target)
            }
            #expect(mkfifo(project + "/pipe", 0o600) == 0)

            func look(_ path: String) -> Result<String, MountRefusal> {
                Result { () throws(MountRefusal) in try MountSource.resolve(path, in: project) }
            }
            #expect(look("./data") == .success(project + "/data"))
            #expect(look("./inner") == .success(project + "/data/sub"))
            #expect(look("./around/sub") == .success(project + "/data/sub"))
            #expect(look("./file") == .success(project + "/file"))
            #expect(look(".") == .success(project))
            func refusal(_ path: String, _ cause: MountRefusal.Cause) -> Result<String, MountRefusal> {
                .failure(MountRefusal(path: path, cause: cause))
            }
            #expect(look("./out") == refusal("./out", .outside("/etc")))
            #expect(look("./beside") == refusal("./beside", .outside(root + "/project-else")))
            #expect(look("./up") == refusal("./up", .outside(root)))
            #expect(look("./chain") == refusal("./chain", .outside("/etc")))
            #expect(look("./nowhere") == refusal("./nowhere", .missing))
            #expect(look("./loop") == refusal("./loop", .missing))
            #expect(look("./pipe") == refusal("./pipe", .special))
        }
    }
}
