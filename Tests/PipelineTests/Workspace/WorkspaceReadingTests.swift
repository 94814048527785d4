import RoostCore
import Testing

@testable import Pipeline

@Suite("[workspace] of a pipeline's file")
struct WorkspaceReadingTests {
    private func parse(_ workspace: String) -> (definition: PipelineDefinition?, diagnostics: [String]) {
        parsePipeline("stages_order = [\"s\"]\n[stages.s.steps.a]\nimage = \"alpine\"\n\(workspace)\n")
    }

    @Test("every key has its meaning, and each has its default")
    func keys() throws {
        let full = parse(
            "[workspace]\nwipe = [\"target\", \"build/**\"]\nwipe_when = \"success\"\nownership = \"keep\""
        )
        #expect(full.diagnostics.isEmpty)
        let workspace = try #require(full.definition).workspace
        #expect(workspace.wipe.map(\.description) == ["target", "build/**"])
        #expect(workspace.wipeWhen == .success)
        #expect(workspace.ownership == .keep)
        let defaults = try #require(parse("").definition).workspace
        #expect(defaults.wipe.isEmpty)
        #expect(defaults.wipeWhen == .before)
        #expect(defaults.ownership == .restore)
    }

    @Test("what may not be wiped is an error of the file, at its place")
    func refused() {
        #expect(
            parse("[workspace]\nwipe = [\".git\", \"target\", \"/etc\", \"a/../..\", 5]\nwipe_when = \"befor\"\nx = 1")
                .diagnostics
                == [
                    "5:9: error: workspace.wipe[0]: this would wipe .git, which is the repository",
                    "5:27: error: workspace.wipe[2]: a pattern is a path below the project folder, not an absolute one: \"/etc\"",
                    "5:35: error: workspace.wipe[3]: a pattern cannot leave the project folder by \"..\": \"a/../..\"",
                    "5:46: error: workspace.wipe[4]: expected a string, found the number 5",
                    "6:1: error: workspace.wipe_when: expected one of \"before\", \"after\", \"success\", \"never\", "
                        + "found the string \"befor\"; did you mean \"before\"?",
                    "7:1: error: workspace.x: unknown key; known here: wipe, wipe_when, ownership",
                ]
        )
    }

    @Test("wipe_when without anything to wipe is an error")
    func nothingToWipe() {
        #expect(
            parse("[workspace]\nwipe_when = \"after\"").diagnostics
                == ["4:2: error: workspace.wipe: missing: what to wipe, such as wipe = [\"target\"]"]
        )
    }

    @Test("each moment of a wipe is its own, and a caller who asks is served before the first step")
    func moments() {
        func moments(_ moment: WorkspaceDefinition.WipeMoment, isAsked: Bool = false) -> [Bool] {
            var workspace = WorkspaceDefinition()
            workspace.wipeWhen = moment
            #expect(!workspace.wipes(before: true) && !workspace.wipes(afterSuccess: true), "nothing is named")
            workspace.wipe = [try? WipePattern(parsing: "target")].compactMap { $0 }
            return [
                workspace.wipes(before: isAsked), workspace.wipes(afterSuccess: true),
                workspace.wipes(afterSuccess: false),
            ]
        }
        #expect(moments(.before) == [true, false, false])
        #expect(moments(.after) == [false, true, true])
        #expect(moments(.success) == [false, true, false])
        #expect(moments(.never) == [false, false, false])
        #expect(moments(.never, isAsked: true) == [true, false, false])
        #expect(moments(.success, isAsked: true) == [true, true, false])
    }
}
