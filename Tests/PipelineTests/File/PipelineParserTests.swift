import Foundation
import ImagePull
import OCIDistribution
import Pipeline
import RoostCore
import Testing

/// Parses text as `/project/demo/roost.toml`.
func parsePipeline(
    _ text: String,
    environment: [String: String] = [:]
) -> (definition: PipelineDefinition?, diagnostics: [String]) {
    let file = PipelineFile(url: URL(fileURLWithPath: "/project/demo/roost.toml"))
    let (definition, diagnostics) = PipelineParser.parse(text: text, file: file, environment: environment)
    #expect((definition == nil) == diagnostics.hasErrors)
    return (definition, diagnostics.map { String($0.description.dropFirst("roost.toml:".count)) })
}

@Suite("Pipeline files")
struct PipelineParserTests {
    /// A pipeline of one stage with one step, `step` being further lines of its table.
    private func oneStep(_ step: String, pipeline: String = "") -> String {
        "stages_order = [\"s\"]\n[pipeline]\n\(pipeline)\n[stages.s.steps.a]\nimage = \"alpine\"\n\(step)\n"
    }

    private func step(_ lines: String, environment: [String: String] = [:]) throws -> StepDefinition {
        let (definition, diagnostics) = parsePipeline(oneStep(lines), environment: environment)
        #expect(diagnostics.isEmpty)
        return try #require(definition?.steps.first)
    }

    @Test("every key of the documented example has its meaning")
    func example() throws {
        let (definition, diagnostics) = parsePipeline(
            """
            stages_order = ["build", "test"]
            [pipeline]
            name = "demo"
            memory = "1gb"
            timeout = "30m"
            max_parallel = 4
            pull = "always"
            workdir = "/src"
            [stages.test.steps.unit]
            image = "alpine"
            [stages.build.steps.lint]
            image = "ghcr.io/org/lint:1"
            command = ["check", "--all"]
            [stages.build.steps.compile]
            image = "gcc:14"
            command = "make -j2"
            entrypoint = []
            env = ["CC=gcc", "EMPTY=", "EQ=a=b"]
            memory = "2gb"
            timeout = "10m"
            user = "1000:1000"
            pull = "never"
            workdir = "/other"
            """
        )
        #expect(diagnostics.isEmpty)
        let pipeline = try #require(definition)
        #expect(pipeline.name == "demo")
        #expect(pipeline.maxParallel == 4)
        #expect(pipeline.file.projectFolder.path == "/project/demo")
        #expect(pipeline.stages.map(\.name) == ["build", "test"])
        #expect(pipeline.steps.map(\.id.description) == ["build/lint", "build/compile", "test/unit"])
        let compile = try #require(pipeline.steps.first { $0.id.step == "compile" })
        #expect(compile.image == (try ImageReference(parsing: "gcc:14")))
        #expect(compile.imageText == "gcc:14")
        #expect(compile.imagePosition == SourcePosition(line: 15, column: 1))
        #expect(compile.command == .shell("make -j2"))
        #expect(compile.entrypoint == [])
        #expect(compile.env.map(\.assignment) == ["CC=gcc", "EMPTY=", "EQ=a=b"])
        #expect(compile.memory == .mebibytes(2048))
        #expect(compile.timeout == .seconds(600))
        #expect(compile.user == "1000:1000")
        #expect(compile.pull == .never)
        #expect(compile.workdir == "/other")
        let lint = try #require(pipeline.steps.first)
        #expect(lint.command == .arguments(["check", "--all"]))
        #expect(lint.memory == .mebibytes(1024))
        #expect(lint.timeout == .seconds(1800))
        #expect(lint.pull == .always)
        #expect(lint.workdir == "/src")
        #expect(lint.user == nil)
    }

    @Test("what the file leaves out has Ciroach's defaults, and the folder's name")
    func defaults() throws {
        let (definition, _) = parsePipeline("stages_order = [\"s\"]\n[stages.s.steps.a]\nimage = \"alpine\"\n")
        let pipeline = try #require(definition)
        #expect(pipeline.name == "demo")
        #expect(pipeline.maxParallel == nil)
        let step = try #require(pipeline.steps.first)
        #expect(step.memory == .mebibytes(512))
        #expect(step.timeout == .seconds(3600))
        #expect(step.workdir == "/workspace")
        #expect(step.pull == .missing)
        #expect(step.command == nil)
    }

    @Test("a string replaces the entry point, a list keeps it, and an entry point of the step's own wins")
    func commands() throws {
        let cases: [(lines: String, entrypoint: [String]?, command: [String]?)] = [
            ("", nil, nil),
            ("command = \"make -j2\"", ["/bin/sh", "-c"], ["make -j2"]),
            ("command = [\"make\", \"-j2\"]", nil, ["make", "-j2"]),
            ("entrypoint = []", [], nil),
            ("entrypoint = []\ncommand = \"make\"", ["/bin/sh", "-c"], ["make"]),
            ("entrypoint = []\ncommand = [\"make\"]", [], ["make"]),
            ("entrypoint = [\"bash\", \"-c\"]\ncommand = \"make\"", ["bash", "-c"], ["make"]),
            ("entrypoint = [\"tini\"]\ncommand = [\"make\"]", ["tini"], ["make"]),
        ]
        for (lines, entrypoint, command) in cases {
            let step = try step(lines)
            #expect(step.containerEntrypoint == entrypoint, "\(lines)")
            #expect(step.containerCommand == command, "\(lines)")
        }
    }

    @Test("environment may be a list, a table, or taken from the caller, and keeps its order")
    func environment() throws {
        let list = try step("env = [\"Z=1\", \"TOKEN\", \"A=\"]", environment: ["TOKEN": "s3cret", "OTHER": "x"])
        #expect(list.env.map(\.assignment) == ["Z=1", "TOKEN=s3cret", "A="])
        let table = try step("env = { Z = \"x\", B = true, A = 5 }")
        #expect(table.env.map(\.assignment) == ["Z=x", "B=true", "A=5"])
    }

    @Test("values taken from the caller show up in no description")
    func secrecy() throws {
        let step = try step("env = [\"TOKEN\"]", environment: ["TOKEN": "s3cret"])
        #expect(!"\(step) \(step.env)".contains("s3cret"))
        var dumped = ""
        dump(step, to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }

    @Test("a stage that is missing or empty is a warning, and the others run")
    func warnings() throws {
        let (definition, diagnostics) = parsePipeline(
            """
            stages_order = ["biuld", "build", "empty", "bare"]
            [stages.build.steps.a]
            image = "alpine"
            [stages.empty]
            [stages.bare.steps]
            """
        )
        #expect(definition?.stages.map(\.name) == ["build"])
        #expect(
            diagnostics == [
                "1:17: warning: stages_order[0]: the stage \"biuld\" is not defined and is left out; did you mean \"build\"?",
                "1:35: warning: stages_order[2]: the stage \"empty\" has no steps and is left out",
                "1:44: warning: stages_order[3]: the stage \"bare\" has no steps and is left out",
            ]
        )
    }

    @Test("a pipeline of Ciroach's is read as it is")
    func ciroach() throws {
        let (definition, diagnostics) = parsePipeline(
            """
            stages_order = ["Sanity", "Main Execution", "Finalize"]

            [stages.Sanity]
            [stages.Sanity.steps.warmup]
            image = "alpine:latest"
            command = "echo 'Warming up...' && sleep 2"

            [stages."Main Execution"]
            [stages."Main Execution".steps.build]
            image = "alpine:latest"
            command = "echo 'Building for arch: ${{ arch }}' && sleep 2"
            matrix = { variable = "arch", values = ["x86", "arm64", "wasm"] }
            [stages."Main Execution".steps.test-suite]
            image = "alpine:latest"
            command = "echo 'Running tests on all builds...'"
            needs = ["build"]
            [stages."Main Execution".steps.flaky-service]
            image = "alpine:latest"
            command = "if [ $(( $RANDOM % 2 )) -eq 0 ]; then exit 1; else echo 'Lucky success!'; fi"
            max_retries = 3
            [stages."Main Execution".steps.long-task]
            image = "alpine:latest"
            command = "echo 'Starting long sleep...' && sleep 10"
            timeout = "2s"
            [stages."Main Execution".steps.memory-hog]
            image = "polinux/stress"
            command = "stress --vm 1 --vm-bytes 100M --timeout 5s"
            memory = "10mb"
            needs = ["test-suite"]

            [stages.Finalize]
            [stages.Finalize.steps.cleanup]
            image = "alpine:latest"
            command = "echo 'Cleaning up artifacts...'"
            """
        )
        #expect(diagnostics.isEmpty)
        let steps = try #require(definition).steps
        #expect(
            steps.map(\.id.step) == [
                "warmup", "build-x86", "build-arm64", "build-wasm", "test-suite", "flaky-service", "long-task",
                "memory-hog", "cleanup",
            ]
        )
        #expect(steps[1].command == .shell("echo 'Building for arch: x86' && sleep 2"))
        #expect(steps[4].schedule.needs.map(\.step) == ["build-x86", "build-arm64", "build-wasm"])
        #expect(steps[5].retries.count == 3)
        #expect(steps.filter(\.schedule.isAlways).map(\.id.step) == ["cleanup"])
    }
}
