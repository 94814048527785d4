import DockerEngine
import NIOHTTP1
import RoostTesting
import Testing

@Suite(
    "roost validate",
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(2))
)
struct ValidateTests {
    private let pipeline = """
        stages_order = ['s']
        [pipeline]
        memory_budget = '25%'
        [stages.s.steps.small]
        image = "img:1"
        command = "true"
        [stages.s.steps.large]
        image = "img:1"
        command = "true"
        memory = "3gb"
        matrix = { n = [1, 2] }

        """

    private func validate(
        _ text: String,
        engine: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> RoostProcess.Outcome {
        try await RoostSandbox.with(engine: engine) { sandbox in
            try sandbox.write(text, to: "roost.toml")
            return try await sandbox.roost(["validate"] + arguments, environment: environment)
        }
    }

    @Test("a step beyond a budget that is a part of the engine's memory is an error, at its place and told once")
    func beyondShare() async throws {
        var identity = FakeEngine.Identity()
        identity.memory = 8 << 30
        try await FakeEngine.with(identity) { fake in
            let outcome = try await validate(pipeline, engine: fake.endpoint.description)
            #expect(outcome.exitCode == 2)
            let lines = outcome.standardOutput.split(separator: "\n")
            #expect(lines.count == 1)
            #expect(lines.first?.hasPrefix("roost.toml:7:") == true)
            #expect(lines.first?.contains("error: stages.s.steps.large: its memory limit of 3 GiB") == true)
            #expect(lines.first?.contains("memory_budget of 2 GiB (25 % of the engine's memory)") == true)
            #expect(outcome.standardError.isEmpty)
        }
    }

    @Test("a file without a budget is held to the one that a run of it would have, services beside steps as well")
    func byDefault() async throws {
        var identity = FakeEngine.Identity()
        identity.memory = 4 << 30
        let unsized = pipeline.replacing("memory_budget = '25%'", with: "")
        let service = "[stages.s.services.db]\nimage = 'img:1'\nmemory = '512mb'\n"
        try await FakeEngine.with(identity) { fake in
            // 80 % of 4 GiB are 3.2 GiB.
            #expect(try await validate(unsized, engine: fake.endpoint.description).exitCode == 0)
            let step = try await validate(
                unsized.replacing("3gb", with: "3.5gb"),
                engine: fake.endpoint.description
            )
            #expect(step.exitCode == 2)
            #expect(
                step.standardOutput.contains(
                    "its memory limit of 3.5 GiB is more than the whole memory_budget of 3.2 GiB"
                )
            )
            #expect(step.standardOutput.contains("(80 % of the engine's memory)"))
            let beside = try await validate(unsized + service, engine: fake.endpoint.description)
            #expect(beside.exitCode == 2)
            #expect(beside.standardOutput.contains("error: stages.s.services: the services' memory limits (512 MiB)"))
        }
    }

    @Test("a budget that all steps fit in is valid, also of an engine that -H names")
    func withinShare() async throws {
        var identity = FakeEngine.Identity()
        identity.memory = 16 << 30
        try await FakeEngine.with(identity) { fake in
            let outcome = try await validate(
                pipeline,
                engine: "unix:///nowhere/docker.sock",
                ["-H", fake.endpoint.description]
            )
            #expect(outcome.exitCode == 0)
            #expect(outcome.standardError == "roost.toml: valid, 1 stage, 3 steps\n")
        }
    }

    @Test("without an engine, or with one that does not answer, the file is valid, and what was not checked is said")
    func offline() async throws {
        let nowhere = try await validate(pipeline, engine: "unix:///nowhere/docker.sock")
        #expect(nowhere.exitCode == 0)
        #expect(nowhere.standardError.contains("memory_budget, 25 % of the engine's memory, was not checked: "))
        #expect(nowhere.standardError.contains("there is no socket at /nowhere/docker.sock"))
        #expect(nowhere.standardError.hasSuffix("roost.toml: valid, 1 stage, 3 steps\n"))
        try await FakeEngine.with { fake in
            fake.fail(.init(.GET, "/info"), .noAnswer, times: .max)
            let silent = try await validate(pipeline, engine: fake.endpoint.description)
            #expect(silent.exitCode == 0)
            #expect(silent.standardError.contains("did not finish within "))
        }
    }

    @Test("the engine is not asked where nothing depends on it")
    func notAsked() async throws {
        try await FakeEngine.with { fake in
            let sized = pipeline.replacing("memory_budget = '25%'", with: "memory_budget = '4gb'")
            #expect(try await validate(sized, engine: fake.endpoint.description).exitCode == 0)
            let unsized = pipeline.replacing("memory_budget = '25%'", with: "")
            let setting = ["ROOST_MEMORY_BUDGET": "2gb"]
            let beyond = try await validate(unsized, engine: fake.endpoint.description, environment: setting)
            #expect(beyond.exitCode == 2)
            #expect(beyond.standardOutput.contains("is more than the whole memory_budget of 2 GiB\n"))
            let broken = pipeline.replacing("img:1", with: "--privileged")
            let refused = try await validate(broken, engine: fake.endpoint.description)
            #expect(refused.exitCode == 2)
            #expect(fake.calls.isEmpty)
        }
    }
}
