import DockerEngine
import Foundation
import Reaping
import RoostCore
import RoostStore
import RoostTesting
import Subprocess
import Testing

@Suite(
    "What a killed run leaves",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct ReapTests {
    @Test("a run that is killed in the middle of a step is tidied up by the next verb, and recorded as cut off")
    func killedMidStep() async throws {
        let image = try await Published.busybox("killed")
        try await RoostSandbox.with { sandbox in
            let killed = try await sandbox.run(pipeline(image, "echo up; sleep 600")) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                #expect(try await sandbox.roost(["leases"]).standardOutput.hasPrefix("run  "))
                try process.send(.kill)
            }
            #expect(killed.outcome.signal == 9)
            let run = try #require(killed.events.first?.text("run_id") ?? killed.events.first?.text("run"))
            #expect(try await sandbox.leftovers().count == 1)
            let promised = try await sandbox.roost(["leases"]).standardOutput
            #expect(promised.hasPrefix("memory  ") && promised.contains("of run \(run), which has ended: counts until"))
            #expect(
                try await sandbox.roost(["leases", "--format", "json"]).standardOutput.contains(
                    "\"owner_ended\" : true"
                )
            )
            let next = try await sandbox.roost(["pull", image])
            #expect(next.exitCode == 0)
            #expect(next.standardError.contains("run \(run) was cut off"))
            #expect(try await sandbox.leftovers().isEmpty)
            let record = try #require(try await sandbox.journal().run(run))
            #expect(record.end?.status == RunEnd.cutOff && record.end?.exitCode == nil)
            #expect(record.exits.isEmpty, "a step that was cut off has no exit code of its own")
            #expect(try await sandbox.roost(["leases"]).standardOutput == "nothing is in use\n")
            let again = try await sandbox.roost(["pull", image])
            #expect(!again.standardError.contains("cut off"), "told once")
        }
    }

    @Test("the exit code of a step that ended after its run was killed is recovered")
    func exitCodeRecovered() async throws {
        let image = try await Published.busybox("exit")
        try await RoostSandbox.with { sandbox in
            let killed = try await sandbox.run(
                pipeline(image, "echo up; while [ ! -e go ]; do sleep 0.05; done; exit 7")
            ) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.kill)
            }
            let run = try #require(killed.events.first?.text("run_id") ?? killed.events.first?.text("run"))
            try sandbox.write("", to: "go")
            let container = try #require(try await sandbox.leftovers().first)
            try await sandbox.withEngine {
                _ = try await $0.waitForContainer(container.id, deadline: .seconds(60))
            }
            let reaped = try await sandbox.roost(["reap", "--format", "json"])
            #expect(reaped.exitCode == 0)
            #expect(reaped.standardOutput.contains("\"exit_code\" : 7"))
            let record = try #require(try await sandbox.journal().run(run))
            #expect(record.end?.status == RunEnd.cutOff)
            #expect(record.exits == [StepExit(stage: "s", step: "x", attempt: 1, exitCode: 7)])
            #expect(try await sandbox.leftovers().isEmpty)
        }
    }

    @Test("a run that is stopped is never reaped, and goes on when it is continued")
    func stoppedOwner() async throws {
        let image = try await Published.busybox("stopped")
        try await RoostSandbox.with { sandbox in
            let (outcome, _) = try await sandbox.run(
                pipeline(image, "echo up; while [ ! -e go ]; do sleep 0.05; done; exit 0")
            ) { process in
                try await process.line(on: .output) { $0.contains("\"up\"") }
                try process.send(.suspend)
                let reaped = try await sandbox.roost(["reap"])
                #expect(reaped.standardOutput.hasPrefix("keep  container"))
                #expect(try await sandbox.leftovers().count == 1)
                try sandbox.write("", to: "go")
                try process.send(.resume)
            }
            #expect(outcome.exitCode == 0)
        }
    }

    @Test("only what is this installation's own, and whose owner has ended, is removed")
    func onlyOurs() async throws {
        let reference = try await Published.busybox("ours")
        try await RoostSandbox.with { sandbox in
            // Makes the installation's id, and brings the image.
            let first = try await sandbox.run(pipeline(reference, "true"))
            #expect(first.outcome.exitCode == 0)
            let installation = try Installation.load(from: try sandbox.stateFolder)
            let mark = ["test.mark": UniqueName.make("reap")]
            try await sandbox.withEngine { engine in
                let image = try #require(try await engine.inspectImage(reference)).id
                let dead = OwnerIdentity(
                    bootID: OwnerIdentity.current.bootID,
                    pid: OwnerIdentity.current.pid,
                    startTime: OwnerIdentity.current.startTime + 1,
                    pidNamespace: OwnerIdentity.current.pidNamespace
                )
                let ours = [
                    LabelKey.installation: installation.id, LabelKey.kind: "step", LabelKey.lifetime: "run",
                    LabelKey.owner: dead.description, LabelKey.run: "r",
                ]
                func make(_ changes: [String: String?], from image: String = image) async throws -> String {
                    var container = ContainerSpecification(image: image)
                    container.labels = ours.merging(mark) { _, new in new }
                    for (key, value) in changes { container.labels[key] = value }
                    return try await engine.createContainer(name: nil, container).id
                }
                let reused = try await make([:])
                let otherBoot = try await make([LabelKey.owner: "another-boot/1/1"])
                let living = try await make([LabelKey.owner: OwnerIdentity.current.description])
                let kept = try await make([LabelKey.lifetime: "kept"])
                let others = try await make([LabelKey.installation: "11111111-1111-1111-1111-111111111111"])
                let nameless = try await make([LabelKey.kind: ""])
                let unlabelled = try await make(ours.mapValues { _ in nil })
                let network = try await engine.createNetwork(name: UniqueName.make("net"), labels: ours)
                let volume = try await engine.createVolume(name: UniqueName.make("vol"), labels: ours).name
                let volumeKept = try await engine.createVolume(name: UniqueName.make("vol"), labels: mark).name

                let dry = try await sandbox.roost(["reap", "--dry-run"])
                #expect(dry.standardOutput.contains("would remove  container"))
                #expect(try await engine.inspectContainer(reused) != nil)
                let reaped = try await sandbox.roost(["reap"])
                #expect(reaped.exitCode == 0, "\(reaped.standardError)")
                for gone in [reused, otherBoot] { #expect(try await engine.inspectContainer(gone) == nil) }
                #expect(try await engine.inspectNetwork(network) == nil)
                #expect(try await engine.inspectVolume(volume) == nil)
                #expect(try await engine.inspectVolume(volumeKept) != nil)
                for survivor in [living, kept, others, nameless, unlabelled] {
                    #expect(try await engine.inspectContainer(survivor) != nil)
                    try await engine.removeContainer(survivor)
                }
                try await engine.removeVolume(volumeKept)
            }
        }
    }

    @Test("a container of the user's, from an image that carries a dead run's labels, survives")
    func labelsOfImage() async throws {
        try await RoostSandbox.with { sandbox in
            let installation = try Installation.load(from: try sandbox.stateFolder)
            let labels = [
                LabelKey.installation: installation.id, LabelKey.kind: "step", LabelKey.lifetime: "run",
                LabelKey.owner: "another-boot/1/1", LabelKey.run: "r",
            ]
            // As `docker commit` of one of Roost's containers makes it.
            let mark = try TestLayer(files: [.file("/mark", UniqueName.make("c"))])
            let committed = try TestImage(
                layers: [.busybox(), mark],
                configuration: TestImage.Configuration(labels: labels)
            )
            let reference = try await Published.image(committed, "committed")
            #expect(try await sandbox.roost(["pull", reference]).exitCode == 0)
            try await sandbox.withEngine { engine in
                let users = try await engine.createContainer(name: nil, ContainerSpecification(image: reference)).id
                var own = ContainerSpecification(image: reference)
                own.labels = [LabelKey.owner: "another-boot/2/2"]
                let ours = try await engine.createContainer(name: nil, own).id
                let reaped = try await sandbox.roost(["reap"])
                #expect(reaped.standardOutput.contains("its labels are those of its image"))
                #expect(try await engine.inspectContainer(users) != nil)
                #expect(try await engine.inspectContainer(ours) == nil)
                try await engine.removeContainer(users)
            }
        }
    }

    @Test("a container of the journal's whose owner has ended is removed, by its ID or by its name")
    func journaled() async throws {
        let reference = try await Published.busybox("journal")
        try await RoostSandbox.with { sandbox in
            _ = try Installation.load(from: try sandbox.stateFolder)
            #expect(try await sandbox.roost(["pull", reference]).exitCode == 0)
            try await sandbox.withEngine { engine in
                let records = StateStore(folder: try sandbox.stateFolder).records(
                    of: engine.identity(by: try await engine.info()),
                    owner: OwnerIdentity(bootID: "another-boot", pid: 1, startTime: 1)
                )
                let names = (0..<3).map { _ in UniqueName.make("build") }
                var made: [String] = []
                for name in names { made.append(try await create(reference, name, engine)) }
                let known = try await records.journal.announce(container: names[0], kind: "build")
                try await records.journal.identify(known, as: made[0])
                _ = try await records.journal.announce(container: names[1], kind: "build")
                _ = try await records.journal.announce(container: UniqueName.make("never"), kind: "build")
                #expect(try await sandbox.roost(["reap"]).exitCode == 0)
                #expect(try await engine.inspectContainer(made[0]) == nil)
                #expect(try await engine.inspectContainer(made[1]) == nil)
                #expect(try await engine.inspectContainer(made[2]) != nil)
                let left = try await records.journal.containers()
                #expect(left.isEmpty)
                try await engine.removeContainer(made[2])
            }
        }
    }

    @Test("what the engine was still making for a run when it was killed is found, too")
    func lateCreation() async throws {
        let reference = try await Published.busybox("late")
        try await RoostSandbox.with { sandbox in
            let installation = try Installation.load(from: try sandbox.stateFolder)
            #expect(try await sandbox.roost(["pull", reference]).exitCode == 0)
            let dead = OwnerIdentity(
                bootID: OwnerIdentity.current.bootID,
                pid: OwnerIdentity.current.pid,
                startTime: OwnerIdentity.current.startTime + 1,
                pidNamespace: OwnerIdentity.current.pidNamespace
            )
            try await sandbox.withEngine { engine in
                let store = StateStore(folder: try sandbox.stateFolder)
                let journal = store.records(of: engine.identity(by: try await engine.info()), owner: dead).journal
                try await journal.begin(RunRecord(id: "r", owner: dead, projectFolder: "/", startedAt: Date()))
                let made = Shared<[String]>([])
                let reaper = Reaper(engine: engine, installation: installation, journal: journal) {
                    var container = ContainerSpecification(image: reference)
                    container.labels = [
                        LabelKey.installation: installation.id, LabelKey.kind: "step", LabelKey.lifetime: "run",
                        LabelKey.owner: dead.description, LabelKey.run: "r",
                    ]
                    let id = try await engine.createContainer(name: nil, container).id
                    made.update { $0.append(id) }
                }
                _ = try await reaper.apply(try await reaper.plan().plan)
                #expect(made.value.count == 1)
                #expect(try await engine.inspectContainer(try #require(made.value.first)) == nil)
                let record = try await journal.run("r")
                #expect(record?.end?.status == RunEnd.cutOff)
                // The run has been tidied up after: nothing is waited for any more.
                #expect(try await reaper.plan().plan.isEmpty)
                #expect(made.value.count == 1)
            }
        }
    }

    @Test("a state that can't be used is a warning: the run does its work")
    func brokenState() async throws {
        let image = try await Published.busybox("broken")
        try await RoostSandbox.with { sandbox in
            try sandbox.directory.write("garbage, garbage", to: "roost/state/roost.db")
            let first = try await sandbox.run(pipeline(image, "true"))
            #expect(first.outcome.exitCode == 0)
            #expect(first.outcome.standardError.contains("roost.db.corrupt-"))
        }
    }

    @Test(
        "a state folder that can't be used is told in the system's words, with exit code 125, by each verb that needs it"
    )
    func unusableFolder() async throws {
        try await FakeEngine.with { fake in
            try await RoostSandbox.with(engine: fake.endpoint.description) { sandbox in
                try sandbox.directory.write("in the way", to: "roost/state")
                try sandbox.write(pipeline("img:1", "true"), to: "roost.toml")
                for verb in ["leases", "run"] {
                    let outcome = try await sandbox.roost([verb])
                    #expect(outcome.exitCode == 125, "\(verb)")
                    #expect(outcome.standardError.contains("make the folder writable"), "\(outcome.standardError)")
                    #expect(!outcome.standardError.contains("Domain"), "\(outcome.standardError)")
                }
            }
        }
    }

    private func create(_ image: String, _ name: String, _ engine: EngineClient) async throws -> String {
        try await engine.createContainer(name: name, ContainerSpecification(image: image)).id
    }

    private func pipeline(_ image: String, _ command: String) -> String {
        "stages_order = ['s']\n" + step("s/x", image, command)
    }
}

extension RoostSandbox {
    var stateFolder: URL {
        get throws {
            URL(filePath: try #require(environment["ROOST_HOME"]) + "/state", directoryHint: .isDirectory)
        }
    }

    /// The journal that the sandbox's programs write.
    func journal() async throws -> any Journal {
        let store = StateStore(folder: try stateFolder)
        return store.records(of: try await withEngine { engine in engine.identity(by: try await engine.info()) })
            .journal
    }
}
