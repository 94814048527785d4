import Foundation
import RoostCore
import Testing

@testable import Pipeline

@Suite("Secrets in pipeline files")
struct SecretsReadingTests {
    private func parse(_ text: String, environment: [String: String] = [:]) -> (PipelineDefinition?, [String]) {
        let file = PipelineFile(url: URL(filePath: "/project/roost.toml"))
        let (definition, diagnostics) = PipelineParser.parse(text: text, file: file, environment: environment)
        return (definition, diagnostics.map(\.description))
    }

    private func one(_ secrets: String, _ more: String = "", environment: [String: String] = [:]) -> [String] {
        parse(
            "stages_order = ['s']\n[stages.s.steps.x]\nimage = 'x'\nsecrets = \(secrets)\n\(more)\n",
            environment: environment
        ).1
    }

    @Test("a step's own list takes the place of the pipeline's")
    func lists() throws {
        let (definition, diagnostics) = parse(
            """
            stages_order = ["s"]
            [pipeline]
            secrets = ["TOKEN"]
            [stages.s.steps.a]
            image = "x"
            [stages.s.steps.b]
            image = "x"
            secrets = []
            [stages.s.steps.c]
            image = "x"
            secrets = ["_key9", { name = "FILE" }, { name = "OFF", env = false }, { name = "TOKEN", env = "NPM_TOKEN" }]
            """
        )
        let steps = try #require(definition).steps
        #expect(
            steps.map(\.secrets) == [
                [StepSecret("TOKEN")], [],
                [
                    StepSecret("_key9"), StepSecret("FILE"), StepSecret("OFF"),
                    StepSecret("TOKEN", as: .variable("NPM_TOKEN")),
                ],
            ]
        )
        #expect(definition?.secretNames == ["TOKEN", "_key9", "FILE", "OFF"])
        #expect(
            diagnostics == [
                "roost.toml:11:89: warning: stages.s.steps.c.secrets[3].env: the secret TOKEN is a variable here: everyone sees it "
                    + "who may inspect the container, and so does every process in it; without env it is the file "
                    + "/run/secrets/TOKEN"
            ]
        )
    }

    @Test("the instances of a matrix get secrets by name, and are warned of once")
    func matrix() throws {
        let (definition, diagnostics) = parse(
            """
            stages_order = ["s"]
            [stages.s.steps.a]
            image = "x"
            secrets = ["KEY_${{ region }}", { name = "TOKEN", env = true }]
            matrix = { region = ["EU", "US"] }
            """
        )
        let steps = try #require(definition).steps
        #expect(steps.map { $0.secrets.map(\.name) } == [["KEY_EU", "TOKEN"], ["KEY_US", "TOKEN"]])
        #expect(diagnostics.count == 1)
    }

    @Test(
        "what a list of secrets can't be is told",
        arguments: [
            ("'TOKEN'", "secrets: expected a list of names such as [\"NPM_TOKEN\"], found the string \"TOKEN\""),
            ("[1]", "secrets[0]: expected a secret's name such as"),
            ("['../x']", "secrets[0]: a secret's name has at most 64 letters, digits and underscores"),
            ("['']", "secrets[0]: a secret's name"),
            ("['9A']", "secrets[0]: a secret's name"),
            ("['Ä']", "secrets[0]: a secret's name"),
            ("['A', { name = 'A', env = true }]", "secrets[1]: the secret A stands twice"),
            ("[{ env = true }]", "secrets[0].name: missing: the secret's name"),
            ("[{ name = 'A', file = 'x' }]", "secrets[0].file: unknown key; known here: name, env"),
            ("[{ name = 'A', env = 1 }]", "secrets[0].env: expected true, false or a variable's name"),
            ("[{ name = 'A', env = 'a=b' }]", "secrets[0].env: "),
            ("[{ name = 'A', env = 'X' }, { name = 'B', env = 'X' }]", "secrets[1]: two secrets are the variable X"),
        ]
    )
    func errors(_ secrets: String, _ message: String) {
        #expect(one(secrets).contains { $0.contains(": error: stages.s.steps.x.\(message)") }, "\(one(secrets))")
    }

    @Test("a secret is no variable by way of env, in no step")
    func inherited() {
        let environment = ["TOKEN": "canary-value"]
        let (definition, diagnostics) = parse(
            """
            stages_order = ["s"]
            [stages.s.steps.a]
            image = "x"
            env = ["TOKEN"]
            [stages.s.steps.b]
            image = "x"
            secrets = ["TOKEN"]
            """,
            environment: environment
        )
        #expect(definition == nil)
        #expect(
            diagnostics.count == 1 && diagnostics[0].contains("stages.s.steps.a: TOKEN is a secret of this pipeline")
        )
        #expect(!diagnostics[0].contains("canary"))
        #expect(
            one("[{ name = 'A', env = 'X' }]", "env = ['X=1']").contains { $0.contains("X is set by `env` and by") }
        )
        // A value that the file gives is none of the caller's.
        #expect(one("['TOKEN']", "env = ['TOKEN=/run/secrets/TOKEN']").isEmpty)
    }

    @Test("variables of the caller's don't get in a secret's way, either")
    func callerVariables() throws {
        let definition = try #require(
            parse("[pipeline]\nsecrets = ['A', { name = 'B', env = 'C' }]\n[[pipeline.steps]]\nname = 'x'\nimage = 'x'")
                .0
        )
        func conflict(_ text: String) throws -> String? {
            definition.conflict(with: [
                try CallerVariables.parse(text, environment: ["A": "canary", "C": "c", "D": "d"])
            ])
        }
        #expect(try conflict("A")?.contains("A is a secret of this pipeline") == true)
        #expect(try conflict("C=1")?.contains("C is a variable that a step's `secrets` set") == true)
        #expect(try conflict("D") == nil)
        #expect(try conflict("A=given") == nil)
    }

    @Test(
        "the project folder is not mounted in the secrets' place",
        arguments: ["/run", "/run/secrets", "/run/secrets/x", "/run/", "//run//secrets"]
    )
    func workdir(_ path: String) {
        #expect(one("['A']", "workdir = '\(path)'").contains { $0.contains("would be in each other's place") })
        #expect(one("[]", "workdir = '\(path)'").isEmpty)
    }

    @Test("at the top of the file it is told where they stand")
    func root() {
        #expect(
            parse("secrets = ['A']\nstages_order = ['s']\n[stages.s.steps.x]\nimage = 'x'\n").1
                == [
                    "roost.toml:1:1: error: secrets: `secrets` stands in [pipeline], for all steps, or in the step that needs them"
                ]
        )
    }

    @Test("plans name secrets, and where they go")
    func plans() throws {
        let definition = try #require(
            parse(
                "[pipeline]\nsecrets = ['A', { name = 'B', env = true }, { name = 'C', env = 'D' }]\n"
                    + "[[pipeline.steps]]\nname = 'x'\nimage = 'x'"
            ).0
        )
        let plan = PipelinePlan(definition, defaultMaxParallel: 1)
        #expect(PlanText.render(plan).contains("secrets A, $B, C in $D"))
        let json = String(decoding: try PlanJSON.render(plan), as: UTF8.self)
        #expect(json.contains("\"env\" : \"D\",\n              \"name\" : \"C\""))
    }
}
