import Testing

@testable import Pipeline

@Suite("Choosing steps of a pipeline")
struct SelectionTests {
    private static let example = """
        stages_order = ["build", "test", "ship"]
        [workspace]
        wipe = ["out"]
        [stages.build.steps.compile]
        image = "a"
        [stages.build.steps.lint]
        image = "a"
        needs = ["compile"]
        [stages.build.steps."odd/name"]
        image = "a"
        [stages.test.steps.unit]
        image = "${{ version }}"
        matrix = { version = ["a", "b"] }
        [stages.test.steps.report]
        image = "a"
        needs = ["unit"]
        [stages.test.steps.cleanup]
        image = "a"
        [stages.ship.steps.push]
        image = "a"
        [stages.ship.steps.lint]
        image = "a"
        """

    private func definition(_ text: String = example) throws -> PipelineDefinition {
        let (definition, diagnostics) = parsePipeline(text)
        #expect(diagnostics.isEmpty)
        return try #require(definition)
    }

    private func names(_ selection: Selection) throws -> [String] {
        try selection.apply(to: definition()).steps.map(\.id.description)
    }

    @Test("without a choice the pipeline stays as it is")
    func everything() throws {
        let definition = try definition()
        #expect(try Selection().apply(to: definition) == definition)
        #expect(try Selection(from: "build").apply(to: definition) == definition)
    }

    @Test("a step is named with or without its stage; a matrix by its name or by an instance's")
    func steps() throws {
        #expect(try names(Selection(steps: ["build/compile"])) == ["build/compile"])
        #expect(try names(Selection(steps: ["lint"])) == ["build/lint", "ship/lint"])
        #expect(try names(Selection(steps: ["build/odd/name"])) == ["build/odd/name"])
        #expect(try names(Selection(steps: ["odd/name"])) == ["build/odd/name"])
        let instances = try definition().steps.filter { $0.declaredName == "unit" }.map(\.id)
        #expect(instances.count == 2)
        #expect(try names(Selection(steps: ["unit"])) == instances.map(\.description))
        #expect(try names(Selection(steps: ["test/unit"])) == instances.map(\.description))
        #expect(try names(Selection(steps: [instances[1].step])) == [instances[1].description])
    }

    @Test("stages and steps are taken together, the first stage cuts both, and the order stays that of the file")
    func combined() throws {
        #expect(
            try names(Selection(steps: ["lint"], stages: ["ship"])) == ["build/lint", "ship/push", "ship/lint"]
        )
        #expect(try names(Selection(steps: ["lint"], from: "test")) == ["ship/lint"])
        #expect(try names(Selection(from: "ship")) == ["ship/push", "ship/lint"])
    }

    @Test("a step that is not selected is not waited for, and one that always runs is left out like any other")
    func needs() throws {
        let lint = try Selection(steps: ["build/lint"]).apply(to: definition())
        #expect(lint.steps.map(\.schedule.needs) == [[]])
        let both = try Selection(stages: ["build"]).apply(to: definition())
        #expect(both.steps[1].schedule.needs.map(\.step) == ["compile"])
        #expect(try names(Selection(steps: ["report"])) == ["test/report"])
    }

    @Test("what others have made is not wiped under a part of the pipeline")
    func wipe() throws {
        #expect(try definition().workspace.wipeWhen == .before)
        #expect(try Selection(from: "test").apply(to: definition()).workspace.wipeWhen == .never)
        let whole = Selection(stages: ["build", "test", "ship"])
        #expect(try whole.apply(to: definition()).workspace.wipeWhen == .before)
    }

    @Test("unknown names are all told, each with the nearest one")
    func unknown() throws {
        let selection = Selection(steps: ["compil", "zzz"], stages: ["tset"], from: "shipp")
        let error = #expect(throws: SelectionError.self) { try selection.apply(to: definition()) }
        #expect(
            error?.description == """
                roost.toml has no step "compil"; did you mean "compile"?
                roost.toml has no step "zzz"
                roost.toml has no stage "tset"; did you mean "test"?
                roost.toml has no stage "shipp"; did you mean "ship"?
                """
        )
    }

    @Test("a choice that leaves nothing is an error, not a run of nothing")
    func empty() throws {
        #expect(throws: SelectionError.nothingSelected) {
            try Selection(steps: ["compile"], from: "test").apply(to: definition())
        }
    }

    private func rerun(_ statuses: [String: StepStatus]) throws -> [String] {
        let known = try definition().steps.map { ($0.id, statuses[$0.id.description]) }
        let rerun = Rerun(
            runID: "x",
            statuses: known.reduce(into: [:]) { $0[$1.0] = $1.1 }
        )
        return try names(Selection(rerun: rerun))
    }

    @Test("what failed is run again with what comes after it, and nothing that was not part of that run")
    func failed() throws {
        let instances = try definition().steps.filter { $0.declaredName == "unit" }.map(\.id.description)
        let first: [String: StepStatus] = [
            "build/compile": .succeeded, "build/lint": .succeeded, "build/odd/name": .succeeded,
            instances[0]: .failed, instances[1]: .succeeded, "test/report": .skipped, "test/cleanup": .succeeded,
            "ship/push": .skipped, "ship/lint": .skipped,
        ]
        #expect(try rerun(first) == [instances[0], "test/report", "ship/push", "ship/lint"])

        var second = first
        second["build/compile"] = .timedOut
        // The step that needs it has succeeded before, with what the other had made before.
        #expect(
            try rerun(second)
                == ["build/compile", "build/lint"] + instances
                + ["test/report", "test/cleanup", "ship/push", "ship/lint"]
        )
        #expect(try rerun(["build/lint": .failed]) == ["build/lint"])
    }

    @Test("a run whose steps all succeeded leaves nothing to run again")
    func nothingFailed() throws {
        #expect(throws: SelectionError.nothingToRerun(runID: "x")) { try rerun(["build/lint": .succeeded]) }
        #expect(throws: SelectionError.nothingToRerun(runID: "x")) { try rerun([:]) }
    }
}
