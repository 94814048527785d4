import ImagePull
import OCIDistribution
import RoostCore
import Testing

@testable import Pipeline

@Suite("Services in pipeline files")
struct ServiceReadingTests {
    private static let step = "[stages.s.steps.x]\nimage = \"x\"\n"

    private func read(_ text: String) -> (definition: PipelineDefinition?, diagnostics: [String]) {
        parsePipeline("stages_order = [\"s\"]\n" + text, environment: ["TOKEN": "s3cret"])
    }

    @Test("a service has the keys of a step that mean something for it, and the pipeline's defaults")
    func keys() throws {
        let (definition, diagnostics) = read(
            """
            [pipeline]
            memory = "64mb"
            stop_grace = "3s"
            pull = "always"
            [stages.s.services.db]
            image = "postgres:17"
            entrypoint = []
            command = ["postgres", "-c", "fsync=off"]
            env = { POSTGRES_PASSWORD = "x" }
            memory = "256mb"
            user = "postgres"
            pull = "never"
            stop_grace = "1s"
            ready = { command = "pg_isready", timeout = "30s", interval = "100ms" }
            [stages.s.services.cache]
            image = "redis"
            env = ["TOKEN"]
            ready = { port = 6379 }
            [stages.s.services.log_sink-1]
            image = "x"
            """ + "\n" + Self.step
        )
        #expect(diagnostics.isEmpty)
        let services = try #require(definition).stages[0].services
        #expect(services.map(\.id.description) == ["s/db", "s/cache", "s/log_sink-1"])
        let db = services[0]
        #expect(db.imageText == "postgres:17" && db.image.description == "docker.io/library/postgres:17")
        #expect(db.entrypoint == [] && db.command == .arguments(["postgres", "-c", "fsync=off"]))
        #expect(db.env.map(\.assignment) == ["POSTGRES_PASSWORD=x"])
        #expect(db.memory == .mebibytes(256) && db.user == "postgres" && db.pull == .never)
        #expect(db.stopGrace == .seconds(1) && db.position?.line == 6)
        #expect(db.readiness.check == .command(.shell("pg_isready")))
        #expect(db.readiness.timeout == .seconds(30) && db.readiness.interval == .milliseconds(100))
        let cache = services[1]
        #expect(cache.memory == .mebibytes(64) && cache.pull == .always && cache.stopGrace == .seconds(3))
        #expect(cache.env.map(\.assignment) == ["TOKEN=s3cret"])
        #expect(cache.readiness.check == .port(6379))
        #expect(cache.readiness.timeout == .seconds(60) && cache.readiness.interval == .milliseconds(500))
        #expect(services[2].readiness.check == .running)
    }

    @Test(
        "what a service can't be is told where it stands",
        arguments: [
            ("comand = \"x\"\nimage = \"x\"", "services.db.comand: unknown key; did you mean 'command'?"),
            ("command = \"x\"", "services.db.image: missing: the image to run in, such as image = \"alpine:3.20\""),
            ("image = \"x:${{ v }}\"", "services.db.image: ${{ v }} names nothing: a service has no matrix"),
            (
                "image = \"x\"\nready = { port = 1, command = \"x\" }",
                "services.db.ready.port: a service is ready by a command or by a port, not by both"
            ),
            (
                "image = \"x\"\nready = { timeout = \"1s\" }",
                "services.db.ready: missing: by what the service is ready, such as port = 5432 or command = \"pg_isready\""
            ),
            (
                "image = \"x\"\nready = { port = 65536 }",
                "services.db.ready.port: expected a whole number from 1 to 65535, found the number 65536"
            ),
            (
                "image = \"x\"\nready = { port = 1, timeout = 0 }",
                "services.db.ready.timeout: a timeout must be longer than zero"
            ),
            (
                "image = \"x\"\nready = { port = 1, interval = \"1ms\" }",
                "services.db.ready.interval: an interval must be at least 10 ms"
            ),
            (
                "image = \"x\"\nready = { prot = 1 }",
                "services.db.ready.prot: unknown key; did you mean 'port'?"
            ),
            ("image = \"x\"\nready = 5432", "services.db.ready: expected a table, found the number 5432"),
            ("image = \"x\"\nmatrix = { a = [1] }", "services.db.matrix: unknown key"),
        ]
    )
    func errors(_ keys: String, _ expected: String) {
        let (definition, diagnostics) = read("[stages.s.services.db]\n\(keys)\n" + Self.step)
        #expect(definition == nil)
        #expect(diagnostics.contains { $0.contains("error: stages.s.\(expected)") }, "\(diagnostics)")
    }

    @Test(
        "a service's name is a host's name",
        arguments: ["DB", "a.b", "-a", "a_", "\"a b\"", "localhost", String(repeating: "a", count: 64), "\"ä\""]
    )
    func names(_ name: String) {
        let (definition, diagnostics) = read(
            "[stages.s.services.\(name.contains(".") ? "\"\(name)\"" : name)]\nimage = \"x\"\n" + Self.step
        )
        #expect(definition == nil && diagnostics.count == 1, "\(diagnostics)")
        #expect(diagnostics.first?.hasPrefix("2:20: error: stages.s.services.") == true, "\(diagnostics)")
    }

    @Test("services and the largest step beside them have to fit the budget together")
    func budget() {
        let (_, diagnostics) = read(
            """
            [pipeline]
            memory_budget = "96mb"
            memory = "32mb"
            [stages.s.services.a]
            image = "x"
            [stages.s.services.b]
            image = "x"
            [stages.s.steps.x]
            image = "x"
            memory = "33mb"
            """
        )
        #expect(
            diagnostics == [
                "5:20: error: stages.s.services: the services' memory limits (64 MiB) and the largest step's beside them "
                    + "(33 MiB) are more than the whole memory_budget of 96 MiB"
            ]
        )
    }

    @Test("without stages services stand at the top and run beside all steps; with stages that is an error")
    func flat() throws {
        let services = "[services.db]\nimage = \"x\"\n"
        let steps = "[[pipeline.steps]]\nname = \"a\"\nimage = \"y\"\n[[pipeline.steps]]\nname = \"b\"\nimage = \"x\"\n"
        let (definition, diagnostics) = parsePipeline(services + steps)
        #expect(diagnostics.isEmpty)
        let plan = PipelinePlan(try #require(definition), defaultMaxParallel: 2)
        #expect(plan.services.map(\.stages) == [0..<2] && plan.services[0].services[0].id.stage == nil)
        #expect(plan.images.map(\.text) == ["x", "y"] && plan.stages[0].images.map(\.text) == ["x", "y"])
        let staged = read(services + Self.step)
        #expect(staged.definition == nil)
        #expect(
            staged.diagnostics.contains {
                $0.contains("error: services: in a pipeline with stages services stand in [stages.….services.…]")
            }
        )
    }

    @Test("a selection keeps the services of the stages that it leaves, and no others")
    func selection() throws {
        let text = ["a", "b"].map {
            "[stages.\($0).services.db]\nimage = \"x\"\n[stages.\($0).steps.s]\nimage = \"x\"\n"
        }
        let (definition, _) = parsePipeline("stages_order = [\"a\", \"b\"]\n" + text.joined())
        let selected = try Selection(stages: ["b"]).apply(to: try #require(definition))
        let plan = PipelinePlan(selected, defaultMaxParallel: 1)
        #expect(plan.services.map(\.stage) == ["b"] && plan.services.map(\.stages) == [0..<1])
    }

    @Test("the first looks come soon after one another, the later ones an interval apart")
    func pauses() {
        var readiness = ServiceReadiness()
        readiness.interval = .milliseconds(100)
        #expect((1...5).map(readiness.pause) == [20, 40, 80, 100, 100].map { Duration.milliseconds($0) })
        #expect(readiness.pause(after: .max) == .milliseconds(100))
        readiness.interval = .milliseconds(10)
        #expect(readiness.pause(after: 1) == .milliseconds(10))
    }
}
