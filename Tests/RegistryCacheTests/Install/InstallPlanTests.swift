import Testing

@testable import RegistryCache

@Suite("What an installation decides")
struct InstallPlanTests {
    private let path = "/etc/docker/daemon.json"
    private let mirror = "http://127.0.0.1:5555"
    private let request = InstallRequest(unit: CacheUnit())

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func daemon(_ flags: [String] = []) -> InstallFacts.Daemon {
        InstallFacts.Daemon(
            pid: 7,
            startTime: 1,
            flags: DaemonFlags(arguments: flags),
            executable: "/usr/bin/dockerd",
            version: "20.10.24"
        )
    }

    private func running(_ mirrors: [String] = [], flags: [String] = []) throws -> InstallFacts.Engine {
        .running(daemon(flags), mirrors: try mirrors.map { try MirrorURL($0) })
    }

    private func facts(
        _ engine: InstallFacts.Engine? = nil,
        path: String? = nil,
        file: String? = nil,
        record: InstallRecord? = nil,
        backup: String? = nil,
        service: InstallFacts.Service = .systemd(unit: nil, isEnabled: false, isActive: false)
    ) throws -> InstallFacts {
        InstallFacts(
            engine: try engine ?? running(),
            configurationPath: path ?? self.path,
            configuration: file.map(bytes),
            record: record,
            backup: backup.map(bytes),
            service: service
        )
    }

    private func refusals(_ facts: InstallFacts, to request: InstallRequest? = nil) -> [String] {
        do throws(InstallRefusals) {
            _ = try InstallPlan.install(request ?? self.request, facts)
            return []
        } catch {
            return error.all.map(\.code)
        }
    }

    private func words(_ plan: InstallPlan) -> [String] {
        plan.actions.map { "\($0.verb.rawValue) \($0.target.rawValue) \($0.reason.code)" }
    }

    @Test("on a fresh host the service starts before the engine is told of it")
    func fresh() throws {
        let plan = try InstallPlan.install(request, try facts())
        #expect(
            words(plan) == [
                "write unit missing", "start service not_running", "write configuration missing",
                "reload engine mirror_not_listed",
            ]
        )
        #expect(plan.change?.before == nil)
        #expect(plan.change?.after == bytes("{\n  \"registry-mirrors\": [\"\(mirror)\"]\n}\n"))
        #expect(plan.change?.record?.existed == false)
        #expect(plan.expectedMirrors?.map(\.text) == [mirror])
    }

    @Test("on a host that has it all nothing is done")
    func done() throws {
        let file = "{\"registry-mirrors\": [\"\(mirror)/\"]}"
        let plan = try InstallPlan.install(
            request,
            try facts(
                running([mirror]),
                file: file,
                service: .systemd(unit: bytes(request.unit.text), isEnabled: true, isActive: true)
            )
        )
        #expect(plan.isDone && plan.change == nil && plan.expectedMirrors == nil)
        #expect(
            words(plan) == [
                "keep unit current", "keep service running", "keep configuration mirror_named",
                "keep engine mirror_listed",
            ]
        )
    }

    @Test(
        "each part is put right by itself",
        arguments: [
            (true, false, false, "start service not_running"), (true, true, false, "start service not_running"),
            (true, false, true, "start service not_enabled"), (false, true, true, "restart service unit_changed"),
            (false, true, false, "start service not_running"),
        ]
    )
    func service(_ isCurrent: Bool, _ isEnabled: Bool, _ isActive: Bool, _ expected: String) throws {
        let unit = isCurrent ? request.unit.text : CacheUnit(arguments: ["--max-size", "1gb"]).text
        let service = InstallFacts.Service.systemd(unit: bytes(unit), isEnabled: isEnabled, isActive: isActive)
        let plan = try InstallPlan.install(request, try facts(service: service))
        #expect(words(plan)[1] == expected)
        #expect(words(plan)[0] == (isCurrent ? "keep unit current" : "write unit differs"))
    }

    @Test("an engine that has not read its file is told, and the file stays")
    func notRead() throws {
        let plan = try InstallPlan.install(request, try facts(file: "{\"registry-mirrors\": [\"\(mirror)\"]}"))
        #expect(words(plan).suffix(2) == ["keep configuration mirror_named", "reload engine mirror_not_listed"])
        #expect(plan.change == nil)
    }

    @Test("a setting that dockerd has by flag is refused in the file, and so are files that can't be used")
    func refused() throws {
        let flagged = try running(flags: ["--registry-mirror=https://x"])
        #expect(refusals(try facts(flagged, file: "{}")) == ["flag_conflict"])
        #expect(refusals(try facts(try running(flags: ["-H", "fd://"]), file: "{\"hosts\": []}")) == ["flag_conflict"])
        #expect(refusals(try facts(try running(flags: ["-H", "fd://"]), file: "{\"debug\": true}")).isEmpty)
        #expect(refusals(try facts(file: "{bad")) == ["bad_configuration"])
        #expect(refusals(try facts(path: "/nix/store/abc-daemon.json", file: "{}")) == ["built_by_nix"])
    }

    @Test("an engine that can't be told is refused, with what is to be done instead")
    func engines() throws {
        let engines: [(InstallFacts.Engine, String)] = [
            (.unreachable("no engine"), "engine_unreachable"),
            (.unsuitable(.elsewhere("tcp://x")), "engine_unsuitable"),
            (.unsuitable(.notDocker("unix:///p")), "engine_unsuitable"),
            (.unsuitable(.ownNetwork("unix:///r")), "engine_unsuitable"),
            (.unsuitable(.unknownProcess("unix:///u")), "engine_unsuitable"),
        ]
        for (engine, code) in engines { #expect(refusals(try facts(engine)) == [code]) }
    }

    @Test("all that forbids an installation is told at once")
    func services() throws {
        let facts = try facts(file: "{bad", service: .noSystemd)
        #expect(refusals(facts) == ["no_systemd", "bad_configuration"])
        let alone = InstallRequest(unit: CacheUnit(), managesService: false)
        #expect(refusals(try self.facts(service: .noSystemd), to: alone).isEmpty)
        let home = InstallRequest(unit: CacheUnit(program: "/home/me/roost"))
        #expect(refusals(try self.facts(), to: home) == ["hidden_program"])
        let foreign = InstallFacts.Service.systemd(unit: bytes("[Service]\n"), isEnabled: true, isActive: true)
        #expect(refusals(try self.facts(service: foreign)) == ["foreign_unit"])
    }

    @Test("the first installation's copy survives a second one at another address, and later edits do")
    func moved() throws {
        let original = "{\"debug\": true}"
        let first = try InstallPlan.install(request, try facts(file: original))
        let change = try #require(first.change)
        #expect(change.backup == .write(bytes(original)))
        let written = String(decoding: try #require(change.after), as: UTF8.self)
        let elsewhere = InstallRequest(
            unit: CacheUnit(listener: try ListenAddress(parsing: "127.0.0.1:6000")),
            managesService: false
        )
        let second = try InstallPlan.install(
            elsewhere,
            try facts(try running([mirror]), file: written, record: change.record, backup: original)
        )
        #expect(words(second)[1] == "write configuration mirror_replaced")
        #expect(second.change?.backup == .leave)
        #expect(second.change?.record?.existed == true)
        #expect(second.expectedMirrors?.map(\.text) == ["http://127.0.0.1:6000"])
        let edited = written.replacing("true", with: "false")
        let third = try InstallPlan.install(
            elsewhere,
            try facts(try running([mirror]), file: edited, record: change.record, backup: original)
        )
        #expect(third.change?.backup == .write(bytes("{\"debug\": false, \"registry-mirrors\": []}")))
    }

    // MARK: - Uninstalling

    private func installed(_ original: String?) throws -> (file: String, record: InstallRecord) {
        let change = try #require(try InstallPlan.install(request, try facts(file: original)).change)
        return (String(decoding: try #require(change.after), as: UTF8.self), try #require(change.record))
    }

    @Test("what nobody has changed since is restored, and the engine reads an empty list in between")
    func restored() throws {
        let original = "{ \"debug\":true }\n"
        let (file, record) = try installed(original)
        let unit = InstallFacts.Service.systemd(unit: bytes(request.unit.text), isEnabled: true, isActive: true)
        let plan = try InstallPlan.uninstall(
            request,
            try facts(try running([mirror]), file: file, record: record, backup: original, service: unit)
        )
        #expect(
            words(plan) == [
                "restore configuration unchanged_since", "reload engine mirror_listed_still",
                "stop service unit_removed", "remove unit made_by_install",
            ]
        )
        #expect(plan.change?.after == bytes(original))
        #expect(plan.change?.interim == bytes("{ \"debug\":true, \"registry-mirrors\":[] }\n"))
        #expect(plan.expectedMirrors == [])
    }

    @Test("a file that the installation made is removed; mirrors that were there before need no empty list")
    func removed() throws {
        let (made, madeRecord) = try installed(nil)
        let removal = try InstallPlan.uninstall(
            request,
            try facts(try running([mirror]), file: made, record: madeRecord)
        )
        #expect(words(removal)[0] == "remove configuration made_by_install")
        #expect(removal.change?.after == nil && removal.change?.interim != nil)
        let original = "{\"registry-mirrors\": [\"https://x\"]}"
        let (file, record) = try installed(original)
        let plan = try InstallPlan.uninstall(
            request,
            try facts(try running([mirror, "https://x"]), file: file, record: record, backup: original)
        )
        #expect(plan.change?.after == bytes(original) && plan.change?.interim == nil)
        #expect(plan.expectedMirrors?.map(\.text) == ["https://x"])
    }

    @Test("of a file that was changed since only the mirror is taken out, and one that can't be read stays")
    func changed() throws {
        let original = "{\"debug\": true}"
        let (file, record) = try installed(original)
        let edited = file.replacing("true", with: "false")
        let plan = try InstallPlan.uninstall(
            request,
            try facts(try running([mirror]), file: edited, record: record, backup: original)
        )
        #expect(words(plan)[0] == "write configuration changed_since")
        #expect(plan.change?.after == bytes("{\"debug\": false, \"registry-mirrors\": []}"))
        #expect(throws: InstallRefusals.self) {
            try InstallPlan.uninstall(request, try facts(try running([mirror]), file: "{bad", record: record))
        }
        let gone = try InstallPlan.uninstall(request, try facts(file: "{}", record: record, backup: original))
        #expect(words(gone)[0] == "remove configuration mirror_gone")
        #expect(gone.change?.after == bytes("{}"))
    }

    @Test("without an engine the file is restored all the same; without an installation nothing is done")
    func absent() throws {
        let original = "{}"
        let (file, record) = try installed(original)
        let plan = try InstallPlan.uninstall(
            request,
            try facts(.unreachable("no engine"), file: file, record: record, backup: original)
        )
        #expect(words(plan).prefix(2) == ["restore configuration unchanged_since", "keep engine engine_not_running"])
        #expect(plan.expectedMirrors == nil && plan.change?.interim == nil)
        let foreign = InstallFacts.Service.systemd(unit: bytes("[Service]\n"), isEnabled: true, isActive: true)
        let none = try InstallPlan.uninstall(
            request,
            try facts(.unsuitable(.elsewhere("tcp://x")), file: file, service: foreign)
        )
        #expect(none.isDone)
        #expect(words(none) == ["keep configuration not_installed", "keep unit not_own"])
    }
}
