import Foundation
import Testing

/// The rules, held against every file of this repository.
@Suite("The repository")
struct RepositoryTests {
    let repository = Repository()

    @Test("a target imports only what stands below it")
    func importRules() throws {
        let files = try repository.files(below: "Sources", withExtension: "swift")
        #expect(!files.isEmpty)
        let violations = files.flatMap { file -> [Violation] in
            let target = String(file.path.split(separator: "/")[1])
            return importViolations(path: file.path, target: target, source: SourceText(file.text))
        }
        report(violations)
    }

    @Test("shipped code ends no program, hides no race, and keeps its access narrow")
    func forbiddenConstructs() throws {
        let violations = try repository.files(below: "Sources", withExtension: "swift")
            .flatMap { forbiddenViolations(path: $0.path, source: SourceText($0.text)) }
        report(violations)
    }

    @Test("a source file can be read in one go")
    func fileLengths() throws {
        let violations = try repository.files(below: "Sources", withExtension: "swift")
            .flatMap { lengthViolations(path: $0.path, text: $0.text) }
        report(violations)
    }

    @Test("comments and documents name things rather than numbers")
    func numbersInProse() throws {
        let swift = try ["Sources", "Tests", "Benchmarks"]
            .flatMap { try repository.files(below: $0, withExtension: "swift") }
            .filter { $0.path != "Tests/ArchitectureTests/RuleTests.swift" }  // its samples break the rule on purpose
            .flatMap { numberViolations(path: $0.path, lines: prose(of: $0.text, source: SourceText($0.text))) }
        // The one place where faults are listed by number.
        let documents = try repository.files(below: "", withExtension: "md").filter { $0.path != "docs/faults.md" }
            .flatMap { numberViolations(path: $0.path, lines: lines(of: $0.text)) }
        let scripts = try repository.files(below: "scripts", withExtension: "")
            .flatMap { numberViolations(path: $0.path, lines: lines(of: $0.text).filter { $0.contains("# ") }) }
        let violations = swift + documents + scripts
        report(violations)
    }

    @Test("each test that a document names is there, in the file that it names")
    func namedTests() throws {
        let tests = try repository.files(below: "Tests", withExtension: "swift")
            .map { (String($0.path.dropFirst("Tests/".count)), $0.text) }
        let named = NamedTests(Dictionary(tests) { first, _ in first })
        let documents = try repository.files(below: "docs", withExtension: "md")
        let faults = try #require(documents.first { $0.path == "docs/faults.md" })
        let guarantees = try #require(documents.first { $0.path == "docs/guarantees.md" })
        report(
            named.violations(inTable: faults.text, path: faults.path)
                + named.violations(inText: guarantees.text, path: guarantees.path)
        )
    }

    /// One issue that lists them all, a line each.
    private func report(_ violations: [Violation]) {
        guard !violations.isEmpty else { return }
        Issue.record(Comment(rawValue: violations.map(\.description).joined(separator: "\n")))
    }

    private func lines(of text: String) -> [Substring] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
    }
}

/// The files of the checkout that this test was built from.
struct Repository {
    struct File {
        /// Relative to the repository.
        let path: String
        let text: String
    }

    private let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The files below a folder; hidden folders, such as build products, are left out.
    func files(below folder: String, withExtension pathExtension: String) throws -> [File] {
        let start = folder.isEmpty ? root : root.appending(path: folder)
        let enumerator = try #require(
            FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil, options: .skipsHiddenFiles)
        )
        return try enumerator.compactMap { $0 as? URL }
            .filter { $0.pathExtension == pathExtension && !$0.hasDirectoryPath }
            .map {
                File(
                    path: String($0.path().dropFirst(root.path().count)),
                    text: try String(contentsOf: $0, encoding: .utf8)
                )
            }
            .sorted { $0.path < $1.path }
    }
}
