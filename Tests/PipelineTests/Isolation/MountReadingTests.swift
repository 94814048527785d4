import RoostCore
import Testing

@testable import Pipeline

@Suite("Mounts in pipeline files")
struct MountReadingTests {
    private func parse(_ step: String, pipeline: String = "", root: String = "") -> (step: StepDefinition?, [String]) {
        let (definition, diagnostics) = parsePipeline(
            "stages_order = [\"s\"]\n\(root)\n\(pipeline)\n[stages.s.steps.x]\nimage = \"x\"\n\(step)"
        )
        return (definition?.steps.first, diagnostics)
    }

    private func mounts(_ step: String, pipeline: String = "", root: String = "") throws -> [StepMount] {
        let (step, diagnostics) = parse(step, pipeline: pipeline, root: root)
        #expect(diagnostics.isEmpty)
        return try #require(step).mounts
    }

    @Test("a mount is written as docker run writes it, or as a table")
    func forms() throws {
        let texts = """
            mounts = ["cargo:/root/.cargo", "./data//sub/:/data:ro", "a/b:/c/", ".:/all:ro", "v:/workspace/node_modules:rw"]
            """
        let tables = """
            mounts = [
              { volume = "cargo", target = "/root/.cargo" },
              { path = "data/./sub", target = "//data", read_only = true },
              { path = "./a/b", target = "/c" },
              { path = "./", target = "/all", read_only = true },
              { volume = "v", target = "/workspace/node_modules" },
            ]
            """
        let expected = [
            StepMount(source: .volume("cargo"), target: "/root/.cargo"),
            StepMount(source: .path("./data/sub"), target: "/data", isReadOnly: true),
            StepMount(source: .path("./a/b"), target: "/c"),
            StepMount(source: .path("."), target: "/all", isReadOnly: true),
            StepMount(source: .volume("v"), target: "/workspace/node_modules"),
        ]
        #expect(try mounts(texts) == expected)
        #expect(try mounts(tables) == expected)
        #expect(
            try mounts(
                "mounts = [{ tmpfs = true, target = \"/t\", size = \"1mb\" }, { tmpfs = true, target = \"/u\" }]"
            )
                == [
                    StepMount(source: .memory(size: .mebibytes(1)), target: "/t"),
                    StepMount(source: .memory(size: nil), target: "/u"),
                ]
        )
    }

    @Test("a step's mounts stand beside the pipeline's, and in their place at the same target")
    func defaults() throws {
        let step = "mounts = [\"b:/b\", \"mine:/shared\"]"
        let expected = ["a:/a", "b:/b", "mine:/shared"]
        let list = "mounts = [\"a:/a\", \"theirs:/shared\"]"
        #expect(try mounts(step, pipeline: "[pipeline]\n" + list).map(\.description) == expected)
        #expect(try mounts(step, root: list).map(\.description) == expected)
        #expect(
            parse(step, pipeline: "[pipeline]\n" + list, root: list).1
                == ["2:1: error: mounts: `mounts` stands either here or in [pipeline], not in both places"]
        )
    }

    @Test("a step with a path of the project folder runs alone, one with volumes does not")
    func alone() {
        #expect(parse("mounts = [\"./a:/a\"]").step?.schedule.runsAlone == true)
        #expect(parse("", pipeline: "[pipeline]\nmounts = [\"./a:/a\"]").step?.schedule.runsAlone == true)
        #expect(parse("mounts = [\"a:/a\", { tmpfs = true, target = \"/t\" }]").step?.schedule.runsAlone == false)
    }

    @Test(
        "what leads out of the project folder, or in the way of something else, is refused",
        arguments: [
            ("\"/etc:/x\"", "a step can mount what lies in the project folder"),
            ("\"/var/run/docker.sock:/var/run/docker.sock\"", "a step can mount what lies in the project folder"),
            ("\"../x:/x\"", "without \"..\""), ("\"./a/../../x:/x\"", "without \"..\""),
            ("\"..:/x\"", "without \"..\""),
            ("\"~/x:/x\"", "a step can mount what lies in"), ("\"a\"", "expected a mount such as"),
            ("\":/x\"", "expected a mount such as"), ("\"a:/x:z\"", "expected ro or rw"), ("\"a:b:c:d\"", "expected"),
            ("\"-a:/x\"", "a volume's name has letters"), ("\"a b:/x\"", "a volume's name has letters"),
            ("\"a:x\"", "expected an absolute path"), ("\"a:/\"", "over the container's root"),
            ("\"a:///\"", "over the container's root"), ("\"a:/x/../..\"", "expected an absolute path"),
            ("\"a:/proc/sys\"", "/proc is not for mounts"), ("\"a:/sys\"", "/sys is not for mounts"),
            ("\"a:/dev/kvm\"", "/dev is not for mounts"), ("\"a:/run/secrets\"", "/run/secrets is not for mounts"),
            ("\"a:/run/secrets/x\"", "/run/secrets is not for mounts"), ("\"a:/workspace\"", "the project folder is"),
            ("\"a:/workspace/\"", "the project folder is"), ("\"a:/x\", \"b:/x/\"", "mounted at \"/x\" already"),
            ("{ volume = \"a\" }", "missing: where"), ("{ target = \"/x\" }", "a mount needs one of"),
            ("{ volume = \"a\", path = \"b\", target = \"/x\" }", "a mount needs one of"),
            ("{ volume = \"a\", target = \"/x\", size = \"1mb\" }", "only a tmpfs has a size"),
            ("{ volum = \"a\", target = \"/x\" }", "did you mean 'volume'?"),
            ("{ path = \"/etc\", target = \"/x\" }", "a step can mount what lies in"),
            ("5", "expected a mount such as"),
        ]
    )
    func wrong(mount: String, message: String) {
        let diagnostics = parse("mounts = [\(mount)]").1
        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.contains(message) == true, "\(diagnostics)")
        #expect(diagnostics.first?.contains("stages.s.steps.x.mounts[") == true)
    }

    @Test("a mount of the pipeline's may not take the place of a step's own workdir; /dev/shm is free")
    func places() {
        let diagnostics = parse("workdir = \"/src\"", pipeline: "[pipeline]\nmounts = [\"a:/src\"]").1
        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.contains("pipeline.mounts[0]: the project folder is mounted at \"/src\"") == true)
        #expect(parse("mounts = [{ tmpfs = true, target = \"/dev/shm\" }]").1.isEmpty)
    }
}
