import RoostCore
import Testing

@testable import Pipeline

@Suite("Matrix, needs, retries and always in pipeline files")
struct ExecutionKeysTests {
    private func steps(_ steps: String, order: String = "[\"s\"]") throws -> [StepDefinition] {
        let (definition, diagnostics) = parsePipeline("stages_order = \(order)\n" + steps)
        #expect(diagnostics.isEmpty)
        return try #require(definition).steps
    }

    private func errors(_ steps: String, order: String = "[\"s\"]") -> [String] {
        parsePipeline("stages_order = \(order)\n" + steps).diagnostics
    }

    @Test("every combination of a matrix's axes is a step, but for those excluded")
    func matrix() throws {
        let steps = try steps(
            """
            [stages.s.steps.build]
            image = "rust:${{rust}}-${{ os }}"
            command = "echo ${{ os }}"
            env = { VERSION = "${{ rust }}" }
            memory = "${{ mb }}mb"
            user = "${{ os }}"
            matrix = { rust = ["1.75", "1.80"], os = ["debian", "alpine"], mb = [64], \
            exclude = [{ rust = "1.75", os = "alpine" }] }
            """
        )
        #expect(steps.map(\.id.step) == ["build-1.75-debian-64", "build-1.80-debian-64", "build-1.80-alpine-64"])
        #expect(steps.map(\.imageText) == ["rust:1.75-debian", "rust:1.80-debian", "rust:1.80-alpine"])
        #expect(steps.last?.command == .shell("echo alpine"))
        #expect(steps.last?.env.map(\.assignment) == ["VERSION=1.80"])
        #expect(steps.last?.memory == .mebibytes(64))
        #expect(steps.last?.user == "alpine")
        #expect(steps.allSatisfy { $0.declaredName == "build" })
    }

    @Test("a name with placeholders is filled instead of lengthened")
    func namedInstances() throws {
        let steps = try steps(
            "[stages.s.steps.\"on ${{ os }}\"]\nimage = \"x\"\nmatrix = { variable = \"os\", values = [\"a\", \"b\"] }\n"
        )
        #expect(steps.map(\.id.step) == ["on a", "on b"])
    }

    @Test(
        "what a matrix or a placeholder can't be is told, once for all instances",
        arguments: [
            ("image = \"x:${{ v }}\"", "image: ${{ v }} names nothing: the step has no matrix"),
            (
                "image = \"x:${{ oss }}\"\nmatrix = { os = [\"a\", \"b\"] }",
                "image: ${{ oss }} names nothing; did you mean 'os'?"
            ),
            (
                "image = \"x\"\nmatrix = { os = [\"a\", 1.8] }",
                "matrix.os[1]: expected a string, a whole number, true or false, found the number 1.8"
            ),
            ("image = \"x\"\nmatrix = {}", "matrix: a matrix needs at least one variable"),
            ("image = \"x\"\nmatrix = { os = [] }", "matrix.os: a matrix variable needs at least one value"),
            ("image = \"x\"\nmatrix = { variable = \"os\" }", "matrix.values: missing"),
            ("image = \"x\"\nmatrix = { os = [\"a\", \"a\"] }", "matrix.os[1]: the value \"a\" is there twice"),
            (
                "image = \"x\"\nmatrix = { os = [\"a\"], exclude = [{ os = \"a\" }] }",
                "matrix: the matrix excludes all of its combinations"
            ),
            ("image = \"x\"\nmatrix = { os = [\"a\"], exclude = [{ oz = \"a\" }] }", "exclude[0].oz: unknown key"),
        ]
    )
    func matrixErrors(_ step: String, _ message: String) {
        let found = errors("[stages.s.steps.x]\n\(step)\n")
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
    }

    @Test(
        "a placeholder without an end or a name is told with its place, once",
        arguments: ["${{ a }", "${{", "x${{ a", "${{}}", "${{  }}", "${{ a\\n}}", "${{ a }} ${{ a }"]
    )
    func brokenPlaceholders(_ text: String) {
        let matrix = "matrix = { a = [\"1\", \"2\"] }\n"
        let message = "error: stages.s.steps.x.command: a placeholder that has no name or no end"
        let found = errors("[stages.s.steps.x]\nimage = \"x\"\ncommand = \"\(text)\"\n" + matrix)
        #expect(found.count == 1 && found[0].hasPrefix("4:") && found[0].contains(message), "\(found)")
        let named = errors("[stages.s.steps.\"\(text)\"]\nimage = \"x\"\n" + matrix)
        #expect(named.contains { $0.contains("a placeholder that has no name or no end") }, "\(named)")
        let service = errors(
            "[stages.s.steps.x]\nimage = \"x\"\n[stages.s.services.d]\nimage = \"x\"\nuser = \"${{ a\"\n"
        )
        #expect(service.count == 1 && service[0].contains("stages.s.services.d.user: a placeholder that"), "\(service)")
    }

    @Test("two dollars stand for one: the text that begins a placeholder")
    func literalPlaceholders() throws {
        let steps = try steps(
            """
            [stages.s.steps."$${{ a }}"]
            image = "x"
            command = "$${{ a }} $$${{ $${{${{ a }} $$ ${a} {{ a }}"
            matrix = { a = ["1"] }
            """
        )
        #expect(steps.map(\.command) == [.shell("${{ a }} $${{ ${{1 $$ ${a} {{ a }}")])
        #expect(steps.map(\.id.step) == ["${{ a }}-1"])
    }

    @Test("a matrix that explodes is refused before it is built")
    func bomb() {
        let axis = "[" + (0..<100).map(String.init).joined(separator: ", ") + "]"
        let found = errors(
            "[stages.s.steps.x]\nimage = \"x\"\nmatrix = { a = \(axis), b = \(axis), c = \(axis), d = \(axis), e = \(axis) }\n"
        )
        #expect(found.count == 1 && found[0].contains("at most 1000 combinations"))
    }

    @Test("two steps of one name are refused, also where a matrix makes them")
    func collisions() {
        let found = errors(
            """
            [stages.s.steps.compile]
            image = "x"
            matrix = { arch = ["x86", "arm"] }
            [stages.s.steps.compile-x86]
            image = "x"
            """
        )
        #expect(
            found.count == 1 && found[0].contains("two steps of the stage have the name \"compile-x86\""),
            "\(found)"
        )
        let flat = parsePipeline(
            """
            [[pipeline.steps]]
            name = "a-1"
            image = "x"
            parallel = true
            [[pipeline.steps]]
            name = "a"
            image = "x"
            parallel = true
            matrix = { v = [1, 2] }
            """
        )
        #expect(flat.diagnostics.count == 1, "\(flat.diagnostics)")
    }

    @Test("a matrix in the flat form keeps its step's name for needs and for what always runs")
    func flatMatrix() throws {
        let (definition, diagnostics) = parsePipeline(
            """
            [[pipeline.steps]]
            name = "build"
            image = "x"
            parallel = true
            matrix = { v = [1, 2] }
            [[pipeline.steps]]
            name = "report"
            image = "x"
            parallel = true
            needs = ["build"]
            [[pipeline.steps]]
            name = "cleanup"
            image = "x"
            matrix = { v = [1, 2] }
            """
        )
        #expect(diagnostics.isEmpty)
        let steps = try #require(definition).steps
        #expect(steps[2].schedule.needs.map(\.step) == ["build-1", "build-2"])
        #expect(steps.suffix(2).map(\.schedule.isAlways) == [true, true])
    }

    @Test(
        "hostile placeholders, values and needs are dealt with in time and in bounded memory",
        .timeLimit(.minutes(1)),
        arguments: [
            "command = \"" + String(repeating: "${{", count: 200_000) + "\"\n",
            "command = \"" + String(repeating: "${{a}}", count: 100_000) + "\"\nmatrix = { a = [\""
                + String(repeating: "v", count: 1000) + "\"] }\n",
            "matrix = { a = [\"" + String(repeating: "v", count: 100_000) + "\"] }\n",
        ]
    )
    func hostile(_ step: String) {
        let (definition, _) = parsePipeline("stages_order = [\"s\"]\n[stages.s.steps.\"x\"]\nimage = \"x\"\n" + step)
        #expect(definition == nil)
    }

    @Test("a thousand steps that need a thousand are refused")
    func hostileNeeds() {
        let values = "[" + (0..<1000).map(String.init).joined(separator: ", ") + "]"
        let found = errors(
            (0..<3).map {
                "[stages.s.steps.x\($0)]\nimage = \"x\"\nmatrix = { a = \(values) }\n"
                    + ($0 > 0 ? "needs = [\"x\($0 - 1)\"]\n" : "")
            }.joined()
        )
        #expect(found.count == 1 && found[0].contains("at most 100000 needs"), "\(found)")
    }

    @Test("needs name a step, all instances of one, or a single instance")
    func needs() throws {
        let steps = try steps(
            """
            [stages.s.steps.build]
            image = "x"
            matrix = { v = ["1", "2"] }
            [stages.s.steps.test]
            image = "x"
            matrix = { v = ["1", "2"] }
            needs = ["build-${{ v }}"]
            [stages.s.steps.report]
            image = "x"
            needs = ["test", "build"]
            """
        )
        let needs = Dictionary(uniqueKeysWithValues: steps.map { ($0.id.step, $0.schedule.needs.map(\.step)) })
        #expect(needs["test-2"] == ["build-2"])
        #expect(needs["report"] == ["test-1", "test-2", "build-1", "build-2"])
    }

    @Test("a circle is told where it goes on, and a step that could not be read is not missing besides")
    func placeOfNeeds() throws {
        let (_, circle) = parsePipeline(
            """
            stages_order = ["s"]
            [stages.s.steps.first]
            image = "x"
            [stages.s.steps.a]
            image = "x"
            needs = ["first", "b"]
            [stages.s.steps.b]
            image = "x"
            needs = ["first", "a"]
            """
        )
        let message = try #require(circle.first)
        #expect(circle.count == 1)
        #expect("\(message)".hasPrefix("6:19: ") || "\(message)".hasPrefix("9:19: "), "\(message)")
        let (_, unread) = parsePipeline(
            """
            stages_order = ["s"]
            [stages.s.steps.k]
            image = "x"
            memory = "much"
            matrix = { n = ["1", "2"] }
            [stages.s.steps.l]
            image = "x"
            needs = ["k-1"]
            """
        )
        #expect(unread.count == 1 && "\(unread)".contains("memory"), "\(unread)")
    }

    @Test("a circle of needs is refused with its path, as are unknown steps and those of other stages")
    func needsErrors() {
        let found = errors(
            """
            [stages.s.steps.a]
            image = "x"
            needs = ["b"]
            [stages.s.steps.b]
            image = "x"
            needs = ["c"]
            [stages.s.steps.c]
            image = "x"
            needs = ["a", "bb"]
            [stages.t.steps.d]
            image = "x"
            needs = ["a"]
            """,
            order: "[\"s\", \"t\"]"
        )
        #expect(found.count == 3, "\(found)")
        #expect(found[0].contains("needs go in a circle: a → b → c → a"))
        #expect(found[1].contains("the stage \"s\" has no step \"bb\"; did you mean \"b\"?"))
        #expect(found[2].contains("t/d → s/a: needs stay within a stage"))
    }

    @Test("a step that needs itself is a circle")
    func selfNeed() {
        let found = errors("[stages.s.steps.a]\nimage = \"x\"\nneeds = [\"a\"]\n")
        #expect(found.count == 1 && found[0].contains("needs go in a circle: a → a"))
    }

    @Test("a chain of ten thousand needs neither overflows the stack nor takes long")
    func longChain() {
        let names = (0..<10_000).map(String.init)
        let needs = Dictionary(uniqueKeysWithValues: zip(names.dropFirst(), names).map { ($0, [$1]) })
        #expect(NeedsGraph(names: names.reversed(), needs: needs).circle() == nil)
        #expect(NeedsGraph(names: names.reversed(), needs: needs).order() == names.indices.reversed())
        #expect(NeedsGraph(names: names, needs: needs.merging(["0": ["9999"]]) { $1 }).circle()?.count == 10_001)
    }

    @Test("retries, grace, always and parallel are the step's, else the pipeline's")
    func execution() throws {
        let steps = try steps(
            """
            always_stages = ["last"]
            [pipeline]
            max_retries = 1
            retry_on = ["failed", "oom_killed"]
            backoff = "10ms"
            stop_grace = "2s"
            [stages.s]
            parallel = false
            [stages.s.steps.b]
            image = "x"
            max_retries = 4
            stop_grace = "0s"
            [stages.s.steps.a]
            image = "x"
            always = true
            [stages.last.steps.cleanup]
            image = "x"
            always = false
            parallel = false
            """,
            order: "[\"s\", \"last\"]"
        )
        #expect(steps.map(\.id.step) == ["a", "b", "cleanup"], "one after another by name")
        #expect(steps.map(\.schedule.runsAlone) == [true, true, true])
        #expect(steps.map(\.schedule.isAlways) == [true, false, true], "always_stages wins")
        #expect(steps.map(\.retries.count) == [1, 4, 1])
        #expect(steps[0].retries.reasons == [.failed, .oomKilled])
        #expect(steps[0].stopGrace == .seconds(2))
        #expect(steps[1].stopGrace == .zero)
    }

    @Test("a step that is larger than the whole budget is refused")
    func budget() {
        let found = errors(
            "[pipeline]\nmemory_budget = \"1gb\"\n[stages.s.steps.a]\nimage = \"x\"\nmemory = \"2gb\"\n"
        )
        #expect(
            found.count == 1 && found[0].contains("2 GiB is more than the whole memory_budget of 1 GiB"),
            "\(found)"
        )
        #expect(found[0].contains(" stages.s.steps.a: "), "\(found)")
        let flat = parsePipeline(
            "[pipeline]\nmemory_budget = \"1gb\"\n[[pipeline.steps]]\nname = \"a\"\nimage = \"x\"\nmemory = \"2gb\"\n"
        ).diagnostics
        #expect(flat.count == 1 && flat[0].contains(" pipeline.steps[0]: its memory limit"), "\(flat)")
    }

    @Test("the peak counts only steps that can run at the same time")
    func peak() throws {
        func peak(_ text: String, maxParallel: Int) throws -> ByteCount {
            PlannedConcurrency.memory(of: try steps(text), maxParallel: maxParallel)
        }
        func step(_ name: String, _ memory: Int, _ extra: String = "") -> String {
            "[stages.s.steps.\(name)]\nimage = \"x\"\nmemory = \"\(memory)mb\"\n\(extra)\n"
        }
        let free = step("a", 100) + step("b", 200) + step("c", 300)
        #expect(try peak(free, maxParallel: 3) == .mebibytes(600))
        #expect(try peak(free, maxParallel: 2) == .mebibytes(500))
        let chain = step("a", 100) + step("b", 200, "needs = [\"a\"]") + step("c", 300, "needs = [\"b\"]")
        #expect(try peak(chain, maxParallel: 3) == .mebibytes(300))
        let fork = step("a", 500) + step("b", 200, "needs = [\"a\"]") + step("c", 250, "needs = [\"a\"]")
        #expect(try peak(fork, maxParallel: 3) == .mebibytes(500))
        #expect(PlannedConcurrency.count(of: try steps(fork), maxParallel: 3) == 2)
        #expect(PlannedConcurrency.count(of: try steps(chain), maxParallel: 3) == 1)
        let alone = step("a", 100) + step("b", 200) + step("c", 250, "parallel = false")
        #expect(try peak(alone, maxParallel: 3) == .mebibytes(300))
    }

    @Test("a pause doubles up to a minute, and only what is listed is tried again")
    func pauses() {
        let retries = StepRetries(count: 10, reasons: [.failed, .timedOut], backoff: .seconds(1))
        #expect(
            (1...8).map { retries.pause(after: $0, endedWith: .failed) }
                == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) }
        )
        #expect(retries.pause(after: 11, endedWith: .failed) == nil)
        #expect(retries.pause(after: 1, endedWith: .oomKilled) == nil)
        #expect(retries.pause(after: 1, endedWith: .cancelled) == nil)
        #expect(retries.pause(after: 1, endedWith: .succeeded) == nil)
        #expect(StepRetries(count: 1, backoff: .seconds(90)).pause(after: 1, endedWith: .failed) == .seconds(90))
    }
}
