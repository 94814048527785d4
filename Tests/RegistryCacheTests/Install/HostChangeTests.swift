import Foundation
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Changes of an installation to the host")
struct HostChangeTests {
    @Test("a file is replaced as a whole, and keeps its mode and its owner; nothing else is left in its folder")
    func replaced() async throws {
        try await TemporaryDirectory.with { folder in
            let path = try folder.write("old", to: "daemon.json")
            try #require(chmod(path, 0o640) == 0)
            // Only root may give a file away.
            let isRoot = geteuid() == 0
            if isRoot { try #require(chown(path, 12, 34) == 0) }
            try HostFile.replace(path, Array("new".utf8))
            var status = stat()
            try #require(stat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o640)
            if isRoot { #expect(status.st_uid == 12 && status.st_gid == 34) }
            #expect(try HostFile.read(path) == Array("new".utf8))
            try HostFile.replace(path + ".copy", Array("copy".utf8), like: path)
            try #require(stat(path + ".copy", &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o640)
            let fresh = folder.path("made/daemon.json")
            try HostFile.replace(fresh, [])
            try #require(stat(fresh, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o644)
            try HostFile.remove(path + ".copy")
            try HostFile.remove(path + ".copy")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["daemon.json", "made"]
            )
        }
    }

    @Test("what is no file, or too long for a configuration, is not read")
    func unreadable() async throws {
        try await TemporaryDirectory.with { folder in
            #expect(try HostFile.read(folder.path("none")) == nil)
            #expect(throws: InstallFailure.unreadable(folder.path, errno: EINVAL)) { try HostFile.read(folder.path) }
            try #require(mkfifo(folder.path("pipe"), 0o600) == 0)
            #expect(throws: InstallFailure.self) { try HostFile.read(folder.path("pipe")) }
            let long = try folder.write(String(repeating: " ", count: 1 << 20 + 1), to: "long")
            #expect(throws: InstallFailure.tooLong(long)) { try HostFile.read(long) }
        }
    }

    // MARK: - systemd

    /// A systemd that writes down what it is asked, and fails where `failing` says so.
    private struct Systemd {
        let folder: TemporaryDirectory
        let manager: ServiceManager
        let request: InstallRequest

        init(_ folder: TemporaryDirectory, program: String = "/usr/local/bin/roost") throws {
            self.folder = folder
            let script = """
                #!/bin/sh
                echo "$*" >>"\(folder.path("calls"))"
                case $1 in
                  is-enabled|is-active) test -e "\(folder.path("running"))" ;;
                  start|restart) test ! -e "\(folder.path("failing"))" || { echo "no luck" >&2; exit 1; }
                    touch "\(folder.path("running"))" ;;
                  disable) rm -f "\(folder.path("running"))" ;;
                esac
                """
            let path = try folder.write(script, to: "systemctl")
            try #require(chmod(path, 0o755) == 0)
            manager = ServiceManager(program: path, sign: folder.path)
            request = InstallRequest(unit: CacheUnit(program: program), unitFolder: folder.path("units"))
        }

        var calls: [String] {
            ((try? String(contentsOfFile: folder.path("calls"), encoding: .utf8)) ?? "").split(separator: "\n")
                .map(String.init).filter { !$0.hasPrefix("is-") }
        }

        /// The service's part alone: the engine has its mirror already.
        func installer() -> CacheInstaller {
            CacheInstaller(request: request, configuration: folder.path("daemon.json"), manager: manager) { [] }
        }

        func facts() async throws -> InstallFacts {
            InstallFacts(
                engine: .running(
                    InstallFacts.Daemon(
                        pid: 1,
                        startTime: nil,
                        flags: DaemonFlags(arguments: []),
                        executable: nil,
                        version: "20.10"
                    ),
                    mirrors: [try MirrorURL("http://127.0.0.1:5555")]
                ),
                configurationPath: folder.path("daemon.json"),
                configuration: Array("{\"registry-mirrors\": [\"http://127.0.0.1:5555\"]}".utf8),
                record: nil,
                backup: nil,
                service: try await manager.facts(request)
            )
        }

        func install() async throws {
            let facts = try await facts()
            try await installer().apply(try InstallPlan.install(request, facts), facts)
        }
    }

    @Test("the unit is written, enabled and started, once, and stopped before it is removed")
    func service() async throws {
        try await TemporaryDirectory.with { folder in
            let systemd = try Systemd(folder)
            try await systemd.install()
            let started = ["daemon-reload", "enable roost-cache.service", "start roost-cache.service"]
            #expect(systemd.calls == started)
            #expect(try HostFile.read(systemd.request.unitPath) == Array(systemd.request.unit.text.utf8))
            try await systemd.install()
            #expect(systemd.calls == started, "twice is once")
            let facts = try await systemd.facts()
            try await systemd.installer().apply(try InstallPlan.uninstall(systemd.request, facts), facts)
            #expect(systemd.calls == started + ["disable --now roost-cache.service", "daemon-reload"])
            #expect(try HostFile.read(systemd.request.unitPath) == nil)
        }
    }

    @Test("a unit that does not start is taken back, and what systemd says is told")
    func failingService() async throws {
        try await TemporaryDirectory.with { folder in
            let systemd = try Systemd(folder)
            try folder.write("", to: "failing")
            await #expect(
                throws: InstallFailure.command([folder.path("systemctl"), "start", CacheUnit.name], said: "no luck")
            ) { try await systemd.install() }
            #expect(try HostFile.read(systemd.request.unitPath) == nil)
            #expect(systemd.calls.suffix(2) == ["disable --now roost-cache.service", "daemon-reload"])
        }
    }

    @Test("a new unit that does not start leaves the former one running")
    func failingChange() async throws {
        try await TemporaryDirectory.with { folder in
            let former = try Systemd(folder)
            try await former.install()
            try folder.write("", to: "failing")
            await #expect(throws: InstallFailure.self) {
                try await Systemd(folder, program: "/opt/roost").install()
            }
            #expect(try HostFile.read(former.request.unitPath) == Array(former.request.unit.text.utf8))
            #expect(
                former.calls.suffix(3) == [
                    "daemon-reload", "enable roost-cache.service", "restart roost-cache.service",
                ]
            )
        }
    }

    @Test("without systemd there are no facts of a unit, and none of its programs is called")
    func noSystemd() async throws {
        try await TemporaryDirectory.with { folder in
            let manager = ServiceManager(program: "/nowhere/systemctl", sign: folder.path("none"))
            let service = try await manager.facts(InstallRequest(unit: CacheUnit()))
            #expect(service == .noSystemd)
        }
    }

    // MARK: - dockerd

    @Test("a newer dockerd validates the file itself, and what it says is told")
    func validated() async throws {
        try await TemporaryDirectory.with { folder in
            let script = """
                #!/bin/sh
                echo "$1 $2" >"\(folder.path("calls"))"
                grep -q good "$3" || { echo "bad file" >&2; exit 1; }
                """
            let program = try folder.write(script, to: "dockerd")
            try #require(chmod(program, 0o755) == 0)
            let check = DaemonCheck(program: program, version: "23.0.1")
            try await check.check(try DaemonConfiguration(Array("{\"good\": 1}".utf8)), for: "/d.json")
            #expect(try String(contentsOfFile: folder.path("calls"), encoding: .utf8) == "--validate --config-file\n")
            await #expect(throws: InstallFailure.refusedByDaemon("/d.json", said: "bad file")) {
                try await check.check(try DaemonConfiguration(Array("{}".utf8)), for: "/d.json")
            }
        }
    }
}
