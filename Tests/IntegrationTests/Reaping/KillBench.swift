import DockerEngine
import Foundation
import RoostCore
import RoostStore
import RoostTesting
import Subprocess
import Testing

/// Kills runs of a pipeline that has some of everything, each at a call of its own, and compares what there is of this
/// installation before it and after the next verb.
struct KillBench {
    enum Company: CaseIterable, Sendable {
        case nobody
        /// Another run of the same installation: of the same pipeline, with the same secrets, while the kills go on.
        case livingRun
    }

    enum Moment: CaseIterable, Sendable {
        /// The call never reaches the engine.
        case before
        /// The engine has done what it was asked, and the run never gets to know.
        case after
    }

    /// The pipeline makes at least so many calls.
    let fewestCalls = 60

    private let sandbox: RoostSandbox
    private let news: ContainerNews
    private let memory: String
    private let image: String
    /// The run that goes on beside; `nil` where there is none.
    private let living: String?

    /// - Parameters:
    ///   - company: What runs meanwhile.
    ///   - body: Kills runs.
    /// - Throws: What `body` throws.
    static func with(_ company: Company, _ body: @escaping @Sendable (KillBench) async throws -> Void) async throws {
        let image = try await Published.busybox("kill")
        try await MemoryFolder.with { memory in
            try await RoostSandbox.with { sandbox in
                var sandbox = sandbox
                sandbox.environment["XDG_RUNTIME_DIR"] = memory
                sandbox.environment["TOKEN"] = "canary-4711"
                try sandbox.write(pipeline(image, "wget -q -O - http://db:8080/mark"), to: "roost.toml")
                try sandbox.write(pipeline(image, blocked()), to: "living.toml")
                try await withUsersContainer(sandbox) {
                    try await ContainerNews.with(sandbox) { [sandbox] news in
                        @Sendable func bench(_ living: String?) -> KillBench {
                            KillBench(sandbox: sandbox, news: news, memory: memory, image: image, living: living)
                        }
                        switch company {
                        case .nobody: try await body(bench(nil))
                        case .livingRun:
                            try await sandbox.withLivingRun(news) { try await body(bench($0)) }
                        }
                        // The user's container runs, and there is nothing else.
                        let left = try await bench(nil).inventory()
                        #expect(
                            left.count == 1
                                && left.allSatisfy { $0.hasPrefix("container users") && $0.hasSuffix("running") }
                        )
                    }
                }
            }
        }
    }

    /// Steps that are parked while others run, a network that they share, a service, a secret, and a step that always runs.
    private static func pipeline(_ image: String, _ first: String) -> String {
        let secret = "cat /run/secrets/TOKEN >/dev/null"
        return """
            stages_order = ['s', 't']
            [pipeline]
            max_parallel = 1
            memory = '16mb'
            # A run that is killed gives its memory back: two have room, three have not.
            memory_budget = '80mb'

            """ + service("s/db", image, "exec httpd -f -p 8080 -h /", "ready = { port = 8080 }")
                + step("s/a", image, first, "secrets = ['TOKEN']")
                + step("s/b", image, secret, "needs = ['a']\nsecrets = ['TOKEN']")
                + step("s/c", image, "true", "needs = ['b']")
                + step("t/x", image, "true") + step("t/cleanup", image, "true")
    }

    /// A container of the user's from an image that a container of Roost's was committed to: it has the labels of one that
    /// a dead process left.
    private static func withUsersContainer(_ sandbox: RoostSandbox, _ body: () async throws -> Void) async throws {
        let labels = [
            LabelKey.installation: try Installation.load(from: try sandbox.stateFolder).id, LabelKey.kind: "step",
            LabelKey.lifetime: "run", LabelKey.owner: "another-boot/1/1", LabelKey.run: "users",
        ]
        let committed = try await Published.image(
            try TestImage(
                layers: [.busybox(), TestLayer(files: [.file("/mark", UniqueName.make("users"))])],
                configuration: TestImage.Configuration(labels: labels)
            ),
            "users"
        )
        #expect(try await sandbox.roost(["pull", committed]).exitCode == 0)
        try await sandbox.withEngine { engine in
            var container = ContainerSpecification(image: committed)
            container.entrypoint = ["sleep", "3600"]
            let id = try await engine.createContainer(name: nil, container).id
            try await engine.startContainer(id)
            var failure: (any Error)?
            do { try await body() } catch { failure = error }
            try await engine.removeContainer(id)
            if let failure { throw failure }
        }
    }

    // MARK: - Runs

    /// Lets one run come to its end, and looks whether it had what the kills are meant for.
    ///
    /// - Returns: How many calls to the engine it made.
    func countCalls() async throws -> Int {
        let before = try await inventory()
        let (outcome, calls) = try await run { _, _ in .pass }
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        #expect(calls.count >= fewestCalls)
        #expect(calls.contains(EngineRelay.release), "a step was parked")
        #expect(Set(news.items.map(\.kind)).isSuperset(of: ["step", "service", "slot"]))
        let changed = try await inventory().symmetricDifference(before)
        #expect(changed == [])
        return calls.count
    }

    /// Kills a run at a call, and lets another verb tidy up after it.
    ///
    /// - Parameters:
    ///   - number: The call, counted from 1.
    ///   - moment: When, seen from the engine.
    ///   - remark: Shown where something is wrong.
    /// - Returns: False where the run has fewer calls, and came to its end.
    /// - Throws: What keeps the programs from being started.
    @discardableResult
    func kill(at number: Int, _ moment: Moment, _ remark: String = "") async throws -> Bool {
        let count = Shared(0)
        let killed = Shared("")
        let before = try await inventory()
        let (outcome, _) = try await run { line, kill in
            count.update { $0 += 1 }
            guard count.value == number else { return .pass }
            killed.update { $0 = String(line.prefix(60)) }
            switch moment {
            case .before:
                kill()
                return .cut
            case .after: return .cutAnswer(kill)
            }
        }
        let place = "call \(number), \(moment): \(killed.value) \(remark)"
        #expect(outcome.signal == 9 || outcome.exitCode == 0, "\(place): \(outcome.standardError)")
        // Any verb that uses the engine does.
        let verb = number.isMultiple(of: 2) ? ["reap"] : ["pull", image]
        let next = try await sandbox.roost(verb)
        #expect(next.exitCode == 0, "\(place): \(next.standardError)")
        let after = try await inventory()
        #expect(after.subtracting(before) == [], "left behind: \(place)")
        #expect(before.subtracting(after) == [], "not the reaper's: \(place)")
        try await checkJournal(outcome, place)
        return outcome.exitCode != 0
    }

    private func checkJournal(_ outcome: RoostProcess.Outcome, _ place: String) async throws {
        let journal = try await sandbox.journal()
        let unfinished = try await journal.unfinishedRuns().map(\.id)
        #expect(unfinished == (living.map { [$0] } ?? []), "\(place)")
        // The last line may be torn.
        let lines = outcome.standardOutput.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let events = try EventLine.parse(lines.joined(separator: "\n"))
        guard let run = events.first?.text("run_id"), let record = try await journal.run(run) else { return }
        if events.last?.type != "run.finished" { #expect(record.end?.status == RunEnd.cutOff, "\(place)") }
    }

    private func run(
        _ treat: @escaping @Sendable (String, _ kill: @escaping @Sendable () -> Void) -> EngineRelay.Treatment
    ) async throws -> (outcome: RoostProcess.Outcome, calls: [String]) {
        let process = Shared<RoostProcess?>(nil)
        let result = Shared<(RoostProcess.Outcome, [String])?>(nil)
        let kill: @Sendable () -> Void = { try? process.value?.send(.kill) }
        try await EngineRelay.with(
            engine: try #require(TestEnvironment.engine),
            treat: { treat($0, kill) },
            { relay in
                let outcome = try await sandbox.roost(
                    ["run", "--format", "json"],
                    environment: ["DOCKER_HOST": relay.host]
                ) { started in process.update { $0 = started } }
                result.update { $0 = (outcome, relay.calls) }
            }
        )
        return try #require(result.value)
    }

    // MARK: - What there is

    /// All that runs of this installation could leave, each with what would change if somebody touched it.
    func inventory() async throws -> Set<String> {
        let installation = [LabelKey.installation: try Installation.load(from: try sandbox.stateFolder).id]
        var found: [String] = []
        try await sandbox.withEngine { engine in
            found += try await engine.containers(labels: installation).map {
                "container \($0.labels?[LabelKey.run] ?? "") \($0.id) \($0.state)"
            }
            found += try await engine.networks(labels: installation).map { "network \($0.id)" }
            found += try await engine.volumes(labels: installation).map { "volume \($0.name)" }
            let store = StateStore(folder: try sandbox.stateFolder)
            let records = store.records(of: engine.identity(by: try await engine.info()))
            found += try await records.leases.leases().map { "lease \($0.number)" }
            found += try await records.journal.containers().map { "journaled container \($0.name)" }
        }
        let folders = ["tmp", "run", "home"].map { sandbox.directory.path($0) } + [memory, sandbox.project]
        for folder in folders {
            for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init()
            where !name.hasPrefix(".roost") { found.append("file \(folder)/\(name)") }
        }
        let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n")
        found += mounts.filter { $0.contains(sandbox.directory.path) || $0.contains(memory) }.map { "mount \($0)" }
        let own: Set = ["roost.toml", "living.toml", "go"]
        return Set(found.filter { !own.contains($0.split(separator: "/").last.map(String.init) ?? "") })
    }
}

extension RoostSandbox {
    /// A run that goes on while `body` runs, in the midst of its first stage, and then comes to a good end.
    ///
    /// - Parameters:
    ///   - news: Of this sandbox.
    ///   - body: Is given the run's ID.
    /// - Throws: What `body` throws.
    fileprivate func withLivingRun(
        _ news: ContainerNews,
        _ body: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        let outcome = try await roost(["run", "--format", "json", "-f", "living.toml"]) { process in
            let first = try await process.line(on: .output) { $0.contains("\"run.started\"") }
            try await process.line(on: .output) { $0.contains("\"up\"") }
            for step in ["s/b", "s/c"] { try await news.started(step) }
            try await news.wait { $0.kind == "slot" && $0.action == "start" }
            try await body(try #require(try EventLine.parse(first).first?.text("run_id")))
            try write("", to: "go")
        }
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let finished = try EventLine.parse(outcome.standardOutput).filter { $0.type == "step.finished" }
        #expect(finished.count == 5)
        #expect(finished.allSatisfy { $0.text("status") == "succeeded" })
    }
}
