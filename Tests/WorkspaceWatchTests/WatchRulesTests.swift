import Pipeline
import Testing
import WorkspaceWatch

@Suite("What of a workspace is watched")
struct WatchRulesTests {
    @Test("the repository, Roost's own folder, editors' files, wiped, reported and ignored paths are left out")
    func ignores() throws {
        var rules = WatchRules(pipelineFile: "roost.toml")
        rules.wipe = [try WipePattern(parsing: "target"), try WipePattern(parsing: "build/**")]
        rules.reports = ["report.json"]
        rules.ignoredByGit = ["node_modules", "src/generated.c"]
        let ignored = [
            ".git", ".git/index", "vendor/lib/.git/HEAD", ".roost", ".roost/runs/x", "target", "target/debug/app",
            "build/a/b",
            "report.json", "node_modules", "node_modules/x/y.js", "src/generated.c", "src/main.c~", "src/.main.c.swp",
            "src/4913", "src/.#main.c", "src/#main.c#",
        ]
        for path in ignored { #expect(rules.ignores(path), "\(path)") }
        let watched = [
            "", "src", "src/main.c", "build", "targets", "x/target", ".github/workflows/ci.yml", "src/.roost", ".env",
            "a#b",
            "src/generated.c2", "sub/report.json", "x.swp",
        ]
        for path in watched { #expect(!rules.ignores(path), "\(path)") }
    }

    @Test("the pipeline's file counts whatever is said of it")
    func pipelineFile() {
        var rules = WatchRules(pipelineFile: "roost.toml")
        rules.ignoredByGit = ["roost.toml"]
        #expect(!rules.ignores("roost.toml"))
    }
}
