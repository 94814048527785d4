import Testing

/// The rules themselves: each must be able to fail, and must not fail on what only looks like a breach.
@Suite("The rules")
struct RuleTests {
    @Test("an import is seen with any access level, attribute or kind")
    func importsAreSeen() {
        let source = SourceText(
            """
            import Foundation
            package import OCIDistribution
            @testable import Pipeline
            @_spi(Inner) internal import struct NIOCore.ByteBuffer
            #if canImport(Glibc)
                import Glibc; import Musl
            #endif
            """
        )
        let found = imports(of: source)
        #expect(
            found.map(\.module) == [
                "Foundation", "OCIDistribution", "Pipeline", "NIOCore", "Glibc", "Musl",
            ]
        )
        #expect(found.map(\.line) == [1, 2, 3, 4, 6, 6])
    }

    @Test("what stands in a comment or a string is no import")
    func commentsAndStringsAreNoImports() {
        let source = SourceText(
            #"""
            // import Pipeline
            /* import Pipeline /* nested */
            import Pipeline */
            let script = """
                import Pipeline
                \(call("import Pipeline", (1)))
                """
            let raw = #" " import Pipeline "#; let important = 1
            import Foundation
            """#
        )
        #expect(imports(of: source).map(\.module) == ["Foundation"])
    }

    @Test("an import that points upward is named with its file and line")
    func upwardImport() throws {
        let source = SourceText("import Foundation\nimport Pipeline\n")
        let found = importViolations(path: "Sources/RoostCore/A.swift", target: "RoostCore", source: source)
        let violation = try #require(found.first)
        #expect(found.count == 1)
        #expect(violation.description.hasPrefix("Sources/RoostCore/A.swift:2: RoostCore may not import Pipeline"))
    }

    @Test("a module that a dependency brings along has to be in the row too")
    func foreignModule() {
        let source = SourceText("import ArgumentParser\n")
        #expect(importViolations(path: "A.swift", target: "Pipeline", source: source).count == 1)
        #expect(importViolations(path: "A.swift", target: "RoostCLI", source: source).isEmpty)
    }

    @Test("a target without a row is a breach, so that none is forgotten")
    func unknownTarget() {
        #expect(importViolations(path: "A.swift", target: "Novelty", source: SourceText("")).count == 1)
    }

    @Test("the table has no cycle, and no row names a target that has none")
    func tableIsLayered() {
        var settled: Set<String> = []
        var rest = importTable
        while let next = rest.first(where: { settled.isSuperset(of: $0.value.targets) }) {
            settled.insert(next.key)
            rest[next.key] = nil
        }
        #expect(rest.isEmpty, "in a cycle or unknown: \(rest.keys.sorted())")
    }

    @Test(
        "each forbidden construct is found",
        arguments: [
            "let a = try! load()", "fatalError(\"gone\")", "final class A: @unchecked Sendable {}",
            "nonisolated(unsafe) var a = 1", "Task.detached { }", "public struct A {}", "  open class A {}",
            "@frozen public final class A {}",
        ]
    )
    func forbiddenConstruct(line: String) {
        #expect(forbiddenViolations(path: "A.swift", source: SourceText("// first\n" + line)).map(\.line) == [2])
    }

    @Test(
        "what only looks like a forbidden construct is let through",
        arguments: [
            "let a = try load()", "// try! would end the program", "let text = \"fatalError(\"", "let republic = 1",
            "for file in open where file.isWritable { }", "let a = \"\\(b ?? \"public struct\")\"",
        ]
    )
    func allowedConstruct(line: String) {
        #expect(forbiddenViolations(path: "A.swift", source: SourceText(line)).isEmpty)
    }

    @Test("a file may have four hundred lines and not one more")
    func lengthLimit() {
        let line = "let a = 1\n"
        #expect(lengthViolations(path: "A.swift", text: String(repeating: line, count: maximumLines)).isEmpty)
        #expect(lengthViolations(path: "A.swift", text: String(repeating: line, count: maximumLines + 1)).count == 1)
    }

    @Test(
        "numbers of lists that a reader does not have are found",
        arguments: ["see #12", "fixes issue 3", "shown by F12.", "(E4)", "as E1b says", "S21, S25", "R2 mirrors"]
    )
    func planNumbers(line: String) {
        #expect(!numberViolations(path: "A.md", lines: [line]).isEmpty)
    }

    @Test(
        "sources, units and names are no such numbers",
        arguments: [
            "moby#31719", "docs/faults.md#12", "RFC 3339", "UTF-8, SHA256, E2E", "an S3 bucket", "U+FFFD, %E4, 0xF1",
            "&#39;", "HTTP/1.1 200",
        ]
    )
    func otherNumbers(line: String) {
        #expect(numberViolations(path: "A.md", lines: [line]).isEmpty)
    }

    @Test("a Swift file's prose is its comments and its tests' names")
    func proseOfSwift() {
        let text = "let a = \"F12\"\n// F13\n@Test(\"F14\")\n"
        let lines = prose(of: text, source: SourceText(text))
        #expect(numberViolations(path: "A.swift", lines: lines).map(\.line) == [2, 3])
    }

    @Test(
        "a document that names a test that is not there, or not in that file, is found; one that names it rightly is not"
    )
    func namedTests() {
        let named = NamedTests([
            "ATests/A.swift":
                "@Test(\"one; and its end\")\n@Test(\n    \"two \"\n        + \"parts\",\n    arguments: [1]\n)",
            "BTests/B.swift": "@Test(\"three\") func f() {}",
        ])
        let right =
            "one; and its end; two parts (`ATests/A.swift`); tables: three (`BTests/B.swift`, in `make soak`); more: —"
        #expect(named.violations(inTable: "| F1 | fault | promise | \(right) |", path: "f.md").isEmpty)
        for wrong in [
            "three (`ATests/A.swift`)", "three, or four (`BTests/B.swift`)", "one; and its end (`CTests/C.swift`)",
            "three (`BTests/B.swift`); (`BTests/B.swift`)",
        ] {
            let table = "| F | head |\n| F1 | fault | promise | \(wrong) |"
            #expect(named.violations(inTable: table, path: "f.md").map(\.line) == [2], "\(wrong)")
        }
        #expect(named.violations(inText: "Kept: *two\n  parts*\n(`ATests/A.swift`).", path: "g.md").isEmpty)
        #expect(named.violations(inText: "*two halves* (`ATests/A.swift`)", path: "g.md").count == 1)
        #expect(named.violations(inText: "*three* (`ATests/B.swift`)", path: "g.md").count == 1)
    }
}
