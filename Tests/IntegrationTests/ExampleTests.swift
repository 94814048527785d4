import Foundation
import RoostTesting
import Testing

@Suite(
    "The examples",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct ExampleTests {
    private var folder: URL {
        get throws {
            URL(filePath: try TestEnvironment.requireScripts()).deletingLastPathComponent().appending(path: "Examples")
        }
    }

    @Test("each is valid, and says how to run it")
    func valid() async throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names.contains("hello") && names.contains("guestbook"))
        try await RoostSandbox.with { sandbox in
            for name in names {
                let file = try folder.appending(path: "\(name)/roost.toml").path
                let outcome = try await sandbox.roost(["validate", "-f", file])
                #expect(outcome.exitCode == 0, "\(name): \(outcome.standardOutput)")
                #expect(outcome.standardError.contains(": valid, "), "\(name): \(outcome.standardError)")
                let readme = try String(contentsOf: folder.appending(path: "\(name)/README.md"), encoding: .utf8)
                #expect(readme.contains("roost run -f Examples/\(name)/roost.toml"))
            }
        }
    }

    @Test("the guestbook keeps what steps write into it, and is gone with its run")
    func guestbook() async throws {
        let image = try await Published.busybox("guestbook")
        let file = try folder.appending(path: "guestbook/roost.toml")
        let text = try String(contentsOf: file, encoding: .utf8).replacing("busybox:1.36", with: image)
        try await RoostSandbox.with { sandbox in
            for _ in 1...2 {
                let (outcome, events) = try await sandbox.run(text)
                #expect(outcome.exitCode == 0, "\(outcome.standardOutput)")
                let lines = events.filter { $0.type == "step.log" && $0.step == "test/read" }
                    .compactMap { $0.text("text") }
                #expect(lines == ["Ada was here", "Grace was here", "Edsger was here"])
                #expect(events.contains { $0.type == "step.log" && $0.text("text") == "3 entries at the end" })
            }
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }
}
