import DockerEngine
import RoostCore
import Testing

@testable import Doctor

@Suite("A diagnosis")
struct DiagnosisTests {
    @Test("nothing to remark: every check is ok, and the exit code is 0")
    func healthy() {
        let diagnosis = Diagnosis(.healthy)
        #expect(diagnosis.checks.allSatisfy { $0.verdict == .ok })
        #expect(diagnosis.checks.map(\.id) == Check.ID.allCases)
        #expect(diagnosis.exitCode == 0)
    }

    @Test(
        "a spoiled fact is found, by its own check alone, with what to do",
        arguments: spoiledEngines + spoiledMachines
    )
    func spoiled(_ row: DiagnosisCase) throws {
        let diagnosis = Diagnosis(row.facts)
        let check = try #require(diagnosis.checks.first { $0.id == row.id })
        #expect(check.verdict == row.verdict)
        if let step = row.step {
            #expect(check.remedy?.steps.contains(step) == true, "\(String(describing: check.remedy))")
        }
        #expect(diagnosis.checks.filter { $0.id != row.id && $0.verdict != .ok }.isEmpty)
        #expect(diagnosis.exitCode == (row.verdict == .fail ? 125 : 0))
    }

    @Test("what is not well has a remedy to copy, and what is well has none", arguments: allCases)
    func remedies(_ row: DiagnosisCase) {
        for check in Diagnosis(row.facts).checks {
            #expect((check.remedy == nil) == (check.verdict == .ok), "\(check)")
            #expect(!check.detail.isEmpty)
            for step in check.remedy?.steps ?? [] {
                switch step {
                case .command(let text): #expect(!text.isEmpty)
                case .line(let text, let file): #expect(!text.isEmpty && !file.isEmpty)
                }
            }
        }
    }

    @Test("an engine that can't be used fails, says why, and says what to do here", arguments: brokenEngines)
    func broken(_ row: DiagnosisCase) throws {
        let diagnosis = Diagnosis(row.facts)
        let check = try #require(diagnosis.checks.first { $0.id == row.id })
        #expect(check.verdict == row.verdict)
        let step = try #require(row.step)
        #expect(check.remedy?.steps.contains(step) == true, "\(String(describing: check.remedy))")
        #expect(diagnosis.exitCode == 125)
    }

    @Test("no two failures to reach an engine read the same")
    func distinct() {
        let errors: [EngineError] = [
            .socketMissing(path: "/s.sock"), .permissionDenied(path: "/s.sock"),
            .connectionRefused(endpoint: "unix:///s.sock"), .timedOut(operation: "ping", limit: .seconds(8)),
        ]
        #expect(Set(errors.compactMap { Diagnosis(.unusable($0)).checks.first?.detail }).count == errors.count)
    }

    @Test("without an engine, its host is not judged, but this machine's folders are")
    func withoutEngine() {
        let checks = Diagnosis(.unusable(.socketMissing(path: "/var/run/docker.sock"))).checks
        #expect(checks.map(\.id) == [.engine, .logins, .stateFolder, .logFolder])
    }

    @Test("a remote engine's disk and programs are not judged by this machine's")
    func remote() {
        let checks = Diagnosis(
            .engine { engine in
                engine.dataRootSpace = .elsewhere
                engine.initProgram?.path = nil
            }
        ).checks
        #expect(checks.map(\.id).filter { [.diskSpace, .diskInodes, .initProgram, .unpigz].contains($0) }.isEmpty)
    }

    @Test("Podman unpacks by itself, and names its mirrors in a file of its own")
    func podman() throws {
        let checks = Diagnosis(.podman { $0.mirrors = [] }).checks
        #expect(!checks.contains { $0.id == .unpigz })
        let mirror = try #require(checks.first { $0.id == .mirror }?.remedy)
        let files = mirror.steps.compactMap { step in if case .line(_, let file) = step { file } else { nil } }
        #expect(files == ["/etc/containers/registries.conf"])
    }

    @Test("a command never restarts another engine in the stead of one that was started by hand")
    func unmanaged() throws {
        let own = EnginePlace(endpoint: EngineEndpoint(address: .unix(path: "/own.sock")), source: "DOCKER_HOST")
        var engine = EngineFacts.healthy
        engine.mirrors = []
        engine.storageDriver = "vfs"
        engine.initProgram?.path = nil
        var facts = HostFacts.spoiled { $0.machine.programs["unpigz"] = nil }
        let timeout = EngineError.timedOut(operation: "ping the engine", limit: .seconds(8))
        for observation in [
            EngineObservation.answering(own, .healthy, engine), .unusable(own, timeout),
            .unusable(own, .connectionRefused(endpoint: "unix:///own.sock")),
        ] {
            facts.engine = observation
            for step in Diagnosis(facts).checks.flatMap({ $0.remedy?.steps ?? [] }) {
                if case .command(let command) = step { #expect(!command.contains("systemctl"), "\(command)") }
                if case .line(_, let file) = step { #expect(file == "daemon.json") }
            }
        }
    }

    @Test("a remedy names a path so that a shell takes it as one word")
    func quoting() throws {
        let facts = HostFacts.spoiled { facts in
            facts.logins = .damaged(path: "/home/o'hara $x/config.json", problem: "damaged")
        }
        let check = try #require(Diagnosis(facts).checks.first { $0.id == .logins })
        let quoted = #"'/home/o'\''hara $x/config.json'"#
        #expect(check.remedy?.steps.first == .command("mv \(quoted) \(quoted).damaged"))
    }
}

let allCases = spoiledEngines + spoiledMachines + brokenEngines
