import Foundation
import ImagePull
import Pipeline
import Testing

@Suite("Plans")
struct PipelinePlanTests {
    private func plan(_ text: String, defaultMaxParallel: Int = 2) throws -> PipelinePlan {
        let (definition, diagnostics) = parsePipeline(text, environment: ["TOKEN": "s3cret"])
        #expect(diagnostics.isEmpty)
        return PipelinePlan(try #require(definition), defaultMaxParallel: defaultMaxParallel)
    }

    private static let example = #"""
        stages_order = ["build", "test all"]
        [pipeline]
        name = "demo"
        [stages.build.steps.lint]
        image = "alpine"
        command = ["sh", "-c", "echo \"hi\""]
        [stages.build.steps.compile]
        image = "gcc:14"
        command = """
        make -j2
        make check && echo 'a rather long line that no terminal would show in full'"""
        env = ["TOKEN"]
        memory = "2gb"
        timeout = "90s"
        user = "1000"
        [stages.build.steps.docs]
        image = "docker.io/library/alpine:latest"
        pull = "always"
        [stages."test all".steps.unit]
        image = "gcc:14"
        entrypoint = ["bash"]
        command = ["C:\\x"]
        pull = "never"
        """#

    @Test("images are unique after normalisation, in the order of need, with the strictest policy")
    func images() throws {
        let plan = try plan(Self.example)
        #expect(plan.images.map(\.text) == ["alpine", "gcc:14"])
        #expect(plan.images.map(\.pull) == [.always, .missing])
        #expect(
            plan.images.map { $0.steps.map(\.description) } == [
                ["build/lint", "build/docs"], ["build/compile", "test all/unit"],
            ]
        )
        #expect(plan.stages.map { $0.images.map(\.text) } == [["alpine", "gcc:14"], ["gcc:14"]])
        #expect(plan.stages.last?.images.first?.pull == .never)
    }

    @Test("the file's number of steps at once wins over the machine's, and is never below 1")
    func parallel() throws {
        let flat = "[pipeline]\nmax_parallel = 7\n[[pipeline.steps]]\nname = \"a\"\nimage = \"b\"\n"
        #expect(try plan(flat).maxParallel == 7)
        #expect(try plan(Self.example).maxParallel == 2)
        #expect(try plan(Self.example, defaultMaxParallel: 0).maxParallel == 1)
    }

    @Test("the text is an overview that fits the eye")
    func text() throws {
        #expect(
            PlanText.render(try plan(Self.example)) == #"""
                Pipeline demo (roost.toml)
                2 stages, 4 steps, 2 images, at most 2 steps at once, at most 2.5 GiB of memory

                Stage 1 of 2: build, 3 steps, 2 at once
                  lint     alpine                           512 MiB  1h                ["sh", "-c", "echo \"hi\""]
                  compile  gcc:14                           2 GiB    1m30s  user 1000  make -j2\nmake check && echo 'a rather long line that no term…
                  docs     docker.io/library/alpine:latest  512 MiB  1h                (the image's command)

                Stage 2 of 2: test all, 1 step
                  unit  gcc:14  512 MiB  1h  ["bash"] ["C:\\x"]

                Images, in the order in which they are needed
                  alpine  pull always   from stage build  2 steps
                  gcc:14  pull missing  from stage build  2 steps

                """#
        )
    }

    @Test("the graph has a cluster a stage, an edge a barrier, and labels that Graphviz reads as they are")
    func dot() throws {
        #expect(
            PlanDot.render(try plan(Self.example)) == #"""
                digraph "demo" {
                  rankdir=LR;
                  compound=true;
                  node [shape=box, style=rounded, fontname="sans-serif"];
                  fontname="sans-serif";
                  subgraph cluster_0 {
                    label="build";
                    s0_0 [label="lint\nalpine\n[\"sh\", \"-c\", \"echo \\\"hi\\\"\"]"];
                    s0_1 [label="compile\ngcc:14\nmake -j2\\nmake check && echo 'a rather long line that no term…"];
                    s0_2 [label="docs\ndocker.io/library/alpine:latest\n(the image's command)"];
                  }
                  subgraph cluster_1 {
                    label="test all";
                    s1_0 [label="unit\ngcc:14\n[\"bash\"] [\"C:\\\\x\"]"];
                  }
                  s0_0 -> s1_0 [ltail=cluster_0, lhead=cluster_1];
                }

                """#
        )
    }

    @Test("the JSON has the documented fields, sizes in bytes, durations in milliseconds, and no value of a variable")
    func json() throws {
        let data = try PlanJSON.render(try plan(Self.example))
        let text = String(decoding: data, as: UTF8.self)
        #expect(!text.contains("s3cret"))
        #expect(text.hasSuffix("}\n"))
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(root.keys) == [
                "schema", "name", "file", "project_folder", "max_parallel", "peak_memory_bytes", "stages", "images",
            ]
        )
        #expect(root["schema"] as? String == "roost.plan/1")
        #expect(root["file"] as? String == "roost.toml")
        #expect(root["project_folder"] as? String == "/project/demo")
        #expect(root["max_parallel"] as? Int == 2)
        let stages = try #require(root["stages"] as? [[String: Any]])
        #expect(stages.map { Set($0.keys) } == [["name", "steps", "images"], ["name", "steps", "images"]])
        #expect(stages[0]["images"] as? [String] == ["docker.io/library/alpine:latest", "docker.io/library/gcc:14"])
        let steps = try #require(stages[0]["steps"] as? [[String: Any]])
        let compile = steps[1]
        #expect(
            Set(compile.keys) == [
                "name", "image", "reference", "command", "env", "memory_bytes", "timeout_ms", "user", "workdir", "pull",
                "line", "needs", "parallel", "always", "max_retries", "retry_on", "stop_grace_ms", "security", "mounts",
                "secrets",
            ]
        )
        #expect(compile["memory_bytes"] as? Int == 2_147_483_648)
        #expect(compile["timeout_ms"] as? Int == 90_000)
        #expect(compile["env"] as? [String] == ["TOKEN"])
        #expect(compile["line"] as? Int == 7)
        #expect(steps[0]["command"] as? [String] == ["sh", "-c", "echo \"hi\""])
        #expect(steps[2]["command"] == nil)
        let images = try #require(root["images"] as? [[String: Any]])
        #expect(images.map { $0["first_stage"] as? String } == ["build", "build"])
        #expect(Set(images[0].keys) == ["image", "reference", "pull", "first_stage", "steps"])
        #expect((images[1]["steps"] as? [[String: String]])?.last == ["stage": "test all", "step": "unit"])
    }
}
