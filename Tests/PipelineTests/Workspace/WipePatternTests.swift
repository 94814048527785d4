import RoostCore
import Testing

@testable import Pipeline

@Suite("Patterns of a wipe")
struct WipePatternTests {
    private static let matches: [(pattern: String, paths: [String], others: [String])] = [
        ("target", ["target"], ["target/debug", "a/target", "targets", ".target"]),
        ("target/", ["target"], ["target/x"]),
        ("build/**", ["build/a", "build/.hidden"], ["build", "build/a/b"]),
        ("*.o", ["a.o", "äö.o"], [".o", "a.op", "d/a.o", ".hidden.o"]),
        ("**/*.o", ["a.o", "d/a.o", "d/e/f/a.o"], [".cache/a.o", "d/.a.o", "a.o/b"]),
        ("**/node_modules", ["node_modules", "web/node_modules"], [".git/node_modules", "node_modules/x"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["b", "a/b/c"]),
        ("?.log", ["1.log", "é.log", "日.log"], ["12.log", ".log"]),
        ("[a-c]x", ["ax", "bx"], ["dx", "x", "abx"]),
        ("[!a-c]x", ["dx", "éx"], ["ax", "x"]),
        ("[]x]", ["]", "x"], ["y"]),
        (".cache", [".cache"], ["cache"]),
        (".c*", [".cache"], ["cache", "x/.cache"]),
        ("a*b*c", ["abc", "aXbYc", "abbc"], ["ab", "acb"]),
        ("**/**/x", ["x", "a/x"], []),
    ]

    @Test("a pattern matches what a shell would match, and no more", arguments: matches)
    func matching(_ row: (pattern: String, paths: [String], others: [String])) throws {
        let pattern = try WipePattern(parsing: row.pattern)
        for path in row.paths { #expect(pattern.matches(WorkspacePath(path)), "\(row.pattern) \(path)") }
        for path in row.others { #expect(!pattern.matches(WorkspacePath(path)), "\(row.pattern) \(path)") }
    }

    @Test(
        "paths that lead out of the workspace, and texts that are no pattern, are refused",
        arguments: [
            "", "/", "/etc", "/work/target", "..", "../x", "a/../../x", "a/..", ".", "./target", "a//b", "a\u{0}b",
            "a\nb",
            "a/b**", "**.o", "[", "[]", "a[b", "[z-a]", String(repeating: "a", count: 2000),
        ]
    )
    func refused(_ text: String) {
        #expect(throws: WipePattern.Invalid.self) { try WipePattern(parsing: text) }
    }

    @Test("many wildcards cost no more than the name is long")
    func hostile() throws {
        let pattern = try WipePattern(parsing: String(repeating: "*a", count: 300) + "b")
        #expect(!pattern.matches(WorkspacePath(String(repeating: "a", count: 255))))
        let deep = try WipePattern(parsing: String(repeating: "**/a/", count: 150) + "b")
        #expect(!deep.matches(WorkspacePath(String(repeating: "a/", count: 1000) + "c")))
    }

    @Test(
        "a pattern that would wipe the repository, the logs, the pipeline's file or the workspace is refused",
        arguments: [
            "**", "**/**", "*", ".*", "?oost.toml", "*.toml", "**/*.toml", "roost.toml", ".git", ".git/",
            ".git/objects",
            ".git/**", ".g*", "[.]git", ".roost", ".roost/runs", ".roost/**/log",
        ]
    )
    func protected(_ text: String) throws {
        let isRefused = ProtectedPaths(fileName: "roost.toml").problem(in: try WipePattern(parsing: text)) != nil
        // A set leaves a leading dot alone, as all wildcards do.
        #expect(isRefused == (text != "[.]git"))
    }

    @Test(
        "patterns beside protected places are accepted",
        arguments: ["target", "*/target", "**/x", ".cache", ".gi", "*.o"]
    )
    func unprotected(_ text: String) throws {
        #expect(ProtectedPaths(fileName: "roost.toml").problem(in: try WipePattern(parsing: text)) == nil)
    }
}
