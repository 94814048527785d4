import Pipeline
import RoostCore
import Testing

@Suite("Errors in pipeline files")
struct PipelineErrorTests {
    @Test("all that is wrong is told at once, in the order of the file")
    func allAtOnce() {
        let (definition, diagnostics) = parsePipeline(
            """
            stages_order = ["test", "test"]
            stage_order = []
            always_stages = ["x"]
            [pipeline]
            memroy = "1gb"
            max_parallel = 0
            pull = "allways"
            workdir = "x"
            name = " x"
            memory_budget = "800%"
            [stages.build.steps.compile]
            image = "GCC:14"
            command = 5
            env = ["CC", "=x", "A=1", "A=2"]
            memory = "2mb"
            timeout = "0s"
            user = "a:b:c"
            [stages.test]
            network = "hots"
            [stages.test.steps.a]
            comand = "x"
            """
        )
        #expect(definition == nil)
        #expect(
            diagnostics == [
                "1:25: error: stages_order[1]: the stage \"test\" is named twice",
                "2:1: error: stage_order: unknown key; did you mean 'stages_order'?",
                "3:18: error: always_stages[0]: the stage \"x\" is not defined",
                "5:1: error: pipeline.memroy: unknown key; did you mean 'memory'?",
                "6:1: error: pipeline.max_parallel: expected a whole number from 1 to 1000, found the number 0",
                "7:1: error: pipeline.pull: expected one of \"never\", \"missing\", \"always\", "
                    + "found the string \"allways\"; did you mean \"always\"?",
                "8:1: error: pipeline.workdir: expected an absolute path such as \"/workspace\", found \"x\"",
                "9:1: error: pipeline.name: a name cannot start or end with a blank: \" x\"",
                "10:1: error: pipeline.memory_budget: expected a size such as \"8gb\", or a part of the engine's memory "
                    + "such as \"80%\", found the string \"800%\"",
                "11:9: error: stages.build: the stage \"build\" is defined but does not stand in stages_order",
                "12:1: error: stages.build.steps.compile.image: \"GCC:14\" is not an image reference: "
                    + "a repository must be in lowercase; one looks like alpine:3.20 or registry.example:5000/team/tool:1.0",
                "13:1: error: stages.build.steps.compile.command: "
                    + "expected a string for the shell, or a list of arguments, found the number 5",
                "14:8: error: stages.build.steps.compile.env[0]: "
                    + "CC is not set in the environment; set it, or give it a value: \"CC=…\"",
                "14:14: error: stages.build.steps.compile.env[1]: a variable's name cannot be empty",
                "14:27: error: stages.build.steps.compile.env[3]: A is set twice",
                "15:1: error: stages.build.steps.compile.memory: "
                    + "2 MiB is less than an engine accepts for a container, which is 6 MiB",
                "16:1: error: stages.build.steps.compile.timeout: a timeout must be longer than zero",
                "17:1: error: stages.build.steps.compile.user: "
                    + "expected a user such as \"1000\", \"1000:1000\" or \"node\", found the string \"a:b:c\"",
                "19:1: error: stages.test.network: expected one of \"private\", \"none\", \"host\", "
                    + "found the string \"hots\"; did you mean \"host\"?",
                "20:20: error: stages.test.steps.a.image: "
                    + "missing: the image to run in, such as image = \"alpine:3.20\"",
                "21:1: error: stages.test.steps.a.comand: unknown key; did you mean 'command'?",
            ]
        )
    }

    @Test("one bad element of a list hides nothing that is wrong with the others")
    func badElements() {
        let (definition, diagnostics) = parsePipeline(
            """
            stages_order = ["test", 1, "tset", true, "test"]
            [stages.test.steps.a]
            image = "x"
            env = ["A=1", 2, "A=2", "=x"]
            [stages.build.steps.b]
            image = "x"
            """
        )
        #expect(definition == nil)
        #expect(
            diagnostics == [
                "1:25: error: stages_order[1]: expected a string, found the number 1",
                "1:28: warning: stages_order[2]: the stage \"tset\" is not defined and is left out; did you mean \"test\"?",
                "1:36: error: stages_order[3]: expected a string, found true",
                "1:42: error: stages_order[4]: the stage \"test\" is named twice",
                "4:15: error: stages.test.steps.a.env[1]: expected a string, found the number 2",
                "4:18: error: stages.test.steps.a.env[2]: A is set twice",
                "4:25: error: stages.test.steps.a.env[3]: a variable's name cannot be empty",
            ]
        )
    }

    @Test("a stage that does not stand in the order is told where no bad element can stand for it")
    func badElementStandsForOne() {
        let stages = ["a", "b", "c"].map { "[stages.\($0).steps.x]\nimage = \"x\"\n" }.joined()
        #expect(parsePipeline("stages_order = [\"a\", 1, 2]\n" + stages).diagnostics.count == 2)
        #expect(parsePipeline("stages_order = [\"a\", 1]\n" + stages).diagnostics.count == 3)
    }

    @Test(
        "files without anything to run say what is missing",
        arguments: [
            (
                "",
                "error: the file defines no steps: it needs stages_order and [stages.NAME.steps.NAME] tables, or "
                    + "[[pipeline.steps]] tables"
            ),
            (
                "[stages.b.steps.a]\nimage = \"x\"",
                "error: stages_order: missing: the order in which the stages run, such as stages_order = [\"b\"]"
            ),
            ("stages_order = []", "1:1: error: stages_order: no stage has a step, so there is nothing to run"),
            ("stages_order = 5", "1:1: error: stages_order: expected a list of stage names, found the number 5"),
            ("stages_order = [1]", "1:17: error: stages_order[0]: expected a string, found the number 1"),
            ("stages_order = []\nstages = 5", "2:1: error: stages: expected a table, found the number 5"),
            ("stages_order = []\npipeline = 5", "2:1: error: pipeline: expected a table, found the number 5"),
            ("stages_order = [\"a\"]\nstages.a = 5", "2:8: error: stages.a: expected a table, found the number 5"),
            (
                "stages_order = [\"a\"]\nstages.a.steps = []",
                "2:10: error: stages.a.steps: expected a table, found a list"
            ),
            (
                "stages_order = [\"a\"]\nstages.a.steps.b = \"x\"",
                "2:16: error: stages.a.steps.b: expected a table, found the string \"x\""
            ),
        ]
    )
    func nothing(text: String, expected: String) {
        let (_, diagnostics) = parsePipeline(text)
        // Without a place there is no colon more after the file's name.
        #expect(diagnostics.first?.hasSuffix(expected) == true, "\(diagnostics)")
    }

    @Test(
        "a value that a step cannot have is refused where it stands",
        arguments: [
            "image = \"--privileged\"", "image = \"a\\nb\"", "image = \"../x\"", "image = \"\"", "image = [\"a\"]",
            "command = \"\"", "command = \" \\n\"", "command = []", "command = [1]", "command = { a = 1 }",
            "entrypoint = \"sh\"", "entrypoint = [true]", "env = \"A=1\"", "env = [\"A B=1\"]", "env = [\"\"]",
            "env = [\"A\\u001b=1\"]", "env = [1]", "env = { \"a=b\" = \"x\" }", "env = { A = 1.5 }", "env = { A = [] }",
            "env = { \"\" = \"x\" }", "memory = \"5mb\"", "memory = 0", "memory = \"-1gb\"", "memory = \"lots\"",
            "memory = true",
            "memory = 1.5", "timeout = \"soon\"", "timeout = 0", "timeout = -5", "timeout = \"0.1ms\"", "user = 1000",
            "user = \"\"", "user = \":\"", "user = \"a:\"", "user = \"-x\"", "user = \"a b\"", "user = \"2147483648\"",
            "user = \"é\"", "user = \"a\\u0007\"", "workdir = \"\"", "workdir = \"/\"", "workdir = \"//\"",
            "workdir = \"src\"",
            "workdir = \"/a/../b\"", "workdir = \"/a:ro\"", "workdir = \"/a\\nb\"", "pull = \"Missing\"", "pull = true",
            "parallel = 1", "privileged = true",
        ]
    )
    func refused(line: String) {
        let image = line.hasPrefix("image") ? "" : "image = \"alpine\"\n"
        let (definition, diagnostics) = parsePipeline("stages_order=[\"s\"]\n[stages.s.steps.a]\n\(line)\n\(image)")
        #expect(definition == nil)
        #expect(diagnostics.count == 1, "\(diagnostics)")
        #expect(diagnostics.first?.hasPrefix("3:") == true, "\(diagnostics)")
    }

    @Test(
        "what looks odd and is right is taken",
        arguments: [
            "user = \"root\"", "user = \"0\"", "user = \"www-data:adm\"", "user = \"_apt\"", "user = \"2147483647:1\"",
            "user = \"Jean.Luc\"", "memory = \"6mb\"", "memory = 6291456", "timeout = 1", "timeout = \"1ms\"",
            "workdir = \"/a b/ü\"",
            "env = []", "env = {}", "entrypoint = []", "command = [\"\"]", "env = [\"a.b-c=\\n\"]",
        ]
    )
    func taken(line: String) {
        let (_, diagnostics) = parsePipeline("stages_order=[\"s\"]\n[stages.s.steps.a]\nimage=\"alpine\"\n\(line)")
        #expect(diagnostics.isEmpty)
    }

    @Test(
        "names that are invisible, too long or paths are refused, for stages and steps alike",
        arguments: ["", " a", "a ", "a\\nb", "a\\u200bb", "\\u202ea", ".", "..", String(repeating: "é", count: 65)]
    )
    func names(name: String) {
        let stage = parsePipeline("stages_order=[\"\(name)\"]\n[stages.\"\(name)\".steps.a]\nimage=\"alpine\"")
        #expect(stage.diagnostics.count == 1)
        #expect(stage.diagnostics.first?.hasPrefix("2:9: error: stages.") == true, "\(stage.diagnostics)")
        let step = parsePipeline("stages_order=[\"s\"]\n[stages.s.steps.\"\(name)\"]\nimage=\"alpine\"")
        #expect(step.diagnostics.count == 1)
        #expect(step.diagnostics.first?.hasPrefix("2:17: error: stages.s.steps.") == true, "\(step.diagnostics)")
    }

    @Test(
        "names of any script and punctuation are taken",
        arguments: ["Main Execution", "été 雪", "a/b", "a.b", "50%", "…"]
    )
    func goodNames(name: String) {
        let (definition, diagnostics) = parsePipeline(
            "stages_order=[\"\(name)\"]\n[stages.\"\(name)\".steps.\"\(name)\"]\nimage=\"alpine\""
        )
        #expect(diagnostics.isEmpty)
        #expect(definition?.steps.map(\.id) == [StepID(stage: name, step: name)])
    }

    @Test("two names that look the same are refused, though TOML tells them apart")
    func lookAlikes() {
        let (_, diagnostics) = parsePipeline(
            """
            stages_order = ["s"]
            [stages.s.steps]
            "\\u00e9" = { image = "alpine" }
            "e\\u0301" = { image = "alpine" }
            """
        )
        #expect(diagnostics.map { $0.prefix(12) } == ["4:1: error: "])
    }

    @Test("an error in every step does not make the stage look empty")
    func brokenStage() {
        let (_, diagnostics) = parsePipeline("stages_order=[\"s\"]\n[stages.s.steps.a]\n")
        #expect(diagnostics.count == 1)
    }
}
