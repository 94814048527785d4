import DockerEngine
import Foundation
import RoostTesting
import Testing

@testable import RegistryCache

@Suite(
    "roost cache install at a real engine",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct CacheInstallTests {
    /// An engine, its configuration, and roost beside it.
    private struct Host {
        let engine: PrivateEngine
        let sandbox: RoostSandbox

        var path: String { engine.socketPath.replacing("docker.sock", with: "daemon.json") }
        var record: String { InstallRecord.path(path) }
        var backup: String { InstallRecord.backupPath(path) }

        static func with(options: [String] = [], _ body: (Host) async throws -> Void) async throws {
            try await PrivateEngine.with(options: options) { engine in
                try await RoostSandbox.with(engine: engine.host) { sandbox in
                    try await body(Host(engine: engine, sandbox: sandbox))
                }
            }
        }

        func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

        /// Writes the engine's file, as an operator does.
        func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

        func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

        func mirrors() async throws -> [String] {
            try await EngineClient.with(try EngineEndpoint(parsing: engine.host)) { client in
                try await client.info().registries?.mirrors ?? []
            }
        }

        /// The engine's process, which a restart would change.
        func pid() throws -> String {
            try String(contentsOfFile: path.replacing("daemon.json", with: "dockerd.pid"), encoding: .utf8)
        }

        func cache(_ arguments: String...) async throws -> RoostProcess.Outcome {
            try await sandbox.roost(["cache"] + arguments + ["--no-service"])
        }
    }

    private let mirror = "http://127.0.0.1:5555/"

    @Test("the mirror joins what is there, without a restart; twice is once; uninstalling restores every byte")
    func wholeWay() async throws {
        try await Host.with { host in
            let settings = try host.text().trimmingCharacters(in: .whitespacesAndNewlines).dropLast()
            let original = "\(settings),   \"debug\":true,\n\t\"max-concurrent-downloads\": 5 }  \n\n"
            try host.write(original)
            try #require(chmod(host.path, 0o640) == 0)
            let pid = try host.pid()

            let before = try await host.cache("install", "--check")
            #expect(before.exitCode == 1)
            #expect(before.standardOutput.contains("would write  \(host.path): "))
            #expect(try host.text() == original && !host.isThere(host.record))
            #expect(try await host.cache("uninstall", "--check").exitCode == 0)

            let installed = try await host.cache("install")
            #expect(installed.exitCode == 0, "\(installed.standardError)")
            #expect(try await host.mirrors() == [mirror])
            #expect(
                try host.text().hasPrefix(
                    String(original.prefix { $0 != "}" }.reversed().drop { $0 == " " }.reversed())
                )
            )
            #expect(try String(contentsOfFile: host.backup, encoding: .utf8) == original)
            let attributes = try FileManager.default.attributesOfItem(atPath: host.path)
            #expect(attributes[.posixPermissions] as? NSNumber == 0o640)
            #expect(try host.pid() == pid)

            let once = try host.text()
            let again = try await host.cache("install", "--format", "json")
            #expect(again.exitCode == 0)
            let report = try JSONSerialization.jsonObject(with: Data(again.standardOutputBytes)) as? [String: Any]
            #expect(report?["schema"] as? String == "roost.cache_install/1")
            #expect(report?["current"] as? Bool == true)
            #expect(try host.text() == once)
            #expect(try await host.cache("install", "--check").exitCode == 0)
            #expect(try await host.cache("uninstall", "--check").exitCode == 1)
            #expect(try await host.mirrors() == [mirror], "checking changes nothing")

            #expect(try await host.cache("install", "--listen", "127.0.0.1:6000").exitCode == 0)
            #expect(try await host.mirrors() == ["http://127.0.0.1:6000/"])

            let removed = try await host.cache("uninstall")
            #expect(removed.exitCode == 0, "\(removed.standardError)")
            #expect(try host.text() == original)
            #expect(try await host.mirrors() == [])
            #expect(!host.isThere(host.record) && !host.isThere(host.backup))
            #expect(try host.pid() == pid)
            #expect(try await host.cache("uninstall").standardOutput.contains("nothing is to be done"))
        }
    }

    @Test("mirrors that are there stay behind the cache; what is changed after the installation outlives it")
    func beside() async throws {
        try await Host.with { host in
            let settings = try host.text().trimmingCharacters(in: .whitespacesAndNewlines).dropLast()
            try host.write("\(settings), \"registry-mirrors\": [\"https://mirror.example.org\"]}")
            #expect(try await host.cache("install").exitCode == 0)
            #expect(try await host.mirrors() == [mirror, "https://mirror.example.org/"])
            try host.write(try host.text().replacing("mirror.example.org", with: "other.example.org"))
            // The engine has not read that yet.
            let told = try await host.cache("install")
            #expect(told.standardOutput.contains("reloaded"))
            #expect(try await host.mirrors() == [mirror, "https://other.example.org/"])
            #expect(try await host.cache("uninstall").exitCode == 0)
            #expect(try host.text() == "\(settings), \"registry-mirrors\": [\"https://other.example.org\"]}")
            #expect(try await host.mirrors() == ["https://other.example.org/"])
        }
    }

    @Test("what dockerd was also given by flag is refused, and so is a file that is no JSON: both stay untouched")
    func refused() async throws {
        try await Host.with(options: ["--registry-mirror=https://flag.example.org"]) { host in
            let original = try host.text()
            let flagged = try await host.cache("install")
            #expect(flagged.exitCode == 2)
            #expect(flagged.standardError.contains("'registry-mirrors'"))
            #expect(try host.text() == original && !host.isThere(host.record))
            #expect(try await host.mirrors() == ["https://flag.example.org/"])

            try host.write("{\n  \"debug\": true,\n}")
            let broken = try await host.cache("install")
            #expect(broken.exitCode == 2)
            #expect(broken.standardError.contains("line 3, column 1"))
            #expect(try host.text() == "{\n  \"debug\": true,\n}")
            #expect(!host.isThere(host.record) && !host.isThere(host.backup))

            let elsewhere = try await host.sandbox.roost([
                "cache", "install", "--no-service", "--daemon-config", host.sandbox.project + "/daemon.json",
            ])
            #expect(elsewhere.exitCode == 2)
            #expect(elsewhere.standardError.contains("the engine reads \(host.path)"))
        }
    }

    @Test("a file that dockerd's program does not understand is refused before it is put in place")
    func refusedByDaemon() async throws {
        try await Host.with { host in
            let original = "{\"no-such-setting\": 1}"
            try host.write(original)
            let outcome = try await host.cache("install")
            #expect(outcome.exitCode == 125)
            #expect(outcome.standardError.contains("dockerd would not accept"))
            #expect(outcome.standardError.contains("no-such-setting"))
            #expect(try host.text() == original)
            #expect(!host.isThere(host.record) && !host.isThere(host.backup))
            // What dockerd mounts while it looks at a file is gone with it.
            #expect(
                try !String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).contains(
                    host.sandbox.directory.path
                )
            )
            #expect(try FileManager.default.contentsOfDirectory(atPath: host.sandbox.directory.path("tmp")).isEmpty)
        }
    }

    @Test("a file that the running engine does not take is put back, and the engine goes on with its own")
    func notTaken() async throws {
        try await Host.with { host in
            // It can be understood, and can't be used: that is found out by the engine alone.
            let settings = try host.text().trimmingCharacters(in: .whitespacesAndNewlines).dropLast()
            let original = "\(settings), \"insecure-registries\": [\"-no-name-\"]}"
            try host.write(original)
            let outcome = try await host.cache("install")
            #expect(outcome.exitCode == 125)
            #expect(outcome.standardError.contains("the file is put back"), "\(outcome.standardError)")
            #expect(try host.text() == original)
            #expect(!host.isThere(host.record) && !host.isThere(host.backup))
            #expect(try await host.mirrors() == [])
        }
    }

    @Test("an engine that is down is not prepared, and given back its file all the same")
    func engineDown() async throws {
        try await Host.with { host in
            let original = try host.text()
            #expect(try await host.cache("install").exitCode == 0)
            try await host.engine.kill()
            let outcome = try await host.cache("install")
            #expect(outcome.exitCode == 2)
            #expect(outcome.standardError.contains("can be seen only while it runs"))
            let removed = try await host.sandbox.roost([
                "cache", "uninstall", "--no-service", "--daemon-config", host.path,
            ])
            #expect(removed.exitCode == 0, "\(removed.standardError)")
            #expect(try host.text() == original)
        }
    }

    @Test("without systemd, or with a wrong option, what to do instead is said, and nothing is done")
    func options() async throws {
        try await Host.with { host in
            let original = try host.text()
            if !FileManager.default.fileExists(atPath: "/run/systemd/system") {
                let outcome = try await host.sandbox.roost(["cache", "install", "--max-size", "50gb"])
                #expect(outcome.exitCode == 2)
                #expect(outcome.standardError.contains("cache serve --listen 127.0.0.1:5555 --max-size 50gb'"))
                #expect(outcome.standardError.contains("--no-service"))
            }
            for wrong in [
                ["--listen", "0.0.0.0:5555"], ["--max-size", "much"], ["--min-free", "0"], ["--upstream", "quay.io"],
                ["--upstream", "q=https://me:secret@q"],
            ] {
                let outcome = try await host.sandbox.roost(["cache", "install", "--no-service"] + wrong)
                #expect(outcome.exitCode == 2)
                #expect(outcome.standardError.contains(wrong[0]))
                #expect(!outcome.standardError.contains("secret@"))
            }
            #expect(try host.text() == original)
        }
    }
}
