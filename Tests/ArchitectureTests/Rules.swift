import Foundation

/// A place that breaks a rule, and what to do about it.
struct Violation: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// The modules that a file imports, with their lines.
func imports(of source: SourceText) -> [(module: String, line: Int)] {
    let access = "(?:(?:public|package|internal|fileprivate|private)\\s+)?"
    let attributes = "(?:@\\w+(?:\\([^)]*\\))?\\s+)*"
    let kind = "(?:(?:struct|class|enum|protocol|typealias|func|let|var|actor)\\s+)?"
    return source.code.enumerated().flatMap { number, line in
        matches(of: "(?:^|;)\\s*\(attributes)\(access)import\\s+\(kind)(\\w+)", in: line).map { ($0, number + 1) }
    }
}

/// Rule: a target imports what its row of the table allows, and nothing else.
func importViolations(path: String, target: String, source: SourceText) -> [Violation] {
    guard let row = importTable[target] else {
        let message = "\(target) has no row in Tests/ArchitectureTests/ImportTable.swift; decide whom it may import"
        return [Violation(path: path, line: 1, message: message)]
    }
    return imports(of: source).compactMap { module, line in
        guard module != target, !systemModules.contains(module), !row.targets.contains(module),
            !row.modules.contains(module)
        else { return nil }
        let reason =
            importTable[module] == nil
            ? "keep to the modules of its row, or move this code to a target that may"
            : "that dependency points upward or sideways: move what is needed to a target below both"
        let message =
            "\(target) may not import \(module); \(reason). Where the design allows it, change the row in "
            + "Tests/ArchitectureTests/ImportTable.swift"
        return Violation(path: path, line: line, message: message)
    }
}

/// What may follow `public` in a declaration; both words may be names elsewhere.
private let declarations =
    "actor|class|convenience|enum|extension|final|func|import|indirect|init|let|macro|mutating|nonisolated|override"
    + "|protocol|static|struct|subscript|typealias|var"

/// What shipped code must not contain, and what takes its place.
private let forbidden: [(pattern: String, message: String)] = [
    ("\\btry!", "`try!` ends the program on an error: handle it or throw it on"),
    ("\\bfatalError\\(", "`fatalError` ends the program: throw a typed error"),
    ("@unchecked\\s+Sendable", "`@unchecked Sendable` hides a race: use an actor, or a Mutex"),
    ("\\bnonisolated\\(unsafe\\)", "`nonisolated(unsafe)` hides a race: use an actor, or a Mutex"),
    ("\\bTask\\s*\\.\\s*detached\\b", "a detached task escapes cancellation: use a task group"),
    (
        "\\b(?:public|open)\\s+(?:\(declarations))\\b",
        "`public` is for products that are libraries: use `package` between targets"
    ),
]

/// Rule: shipped code contains nothing that ends the program, hides a race, or widens access for no one.
func forbiddenViolations(path: String, source: SourceText) -> [Violation] {
    source.code.enumerated().flatMap { number, line in
        forbidden.filter { !matches(of: "(\($0.pattern))", in: line).isEmpty }
            .map { Violation(path: path, line: number + 1, message: $0.message) }
    }
}

/// The number of lines above which a file holds more than one idea.
let maximumLines = 400

/// Rule: a file is short enough to be read in one go.
func lengthViolations(path: String, text: String) -> [Violation] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).count - (text.hasSuffix("\n") ? 1 : 0)
    guard lines > maximumLines else { return [] }
    let message = "\(lines) lines, more than \(maximumLines): split it where its ideas part"
    return [Violation(path: path, line: maximumLines + 1, message: message)]
}

/// Rule: prose tells the reader what it means, rather than a number of a list that the reader does not have.
/// A reference that names its project (`moby#31719`) is a source and welcome.
func numberViolations(path: String, lines: some Sequence<some StringProtocol>) -> [Violation] {
    lines.enumerated().flatMap { number, line in
        (matches(of: "(?<![\\w/#&])(#\\d+)\\b", in: line)
            + matches(of: "(?i)\\b(issue\\s+#?\\d+)\\b", in: line)
            + matches(of: "(?<![\\w%\\\\/+.-])((?!S3\\b)[EFRS]\\d{1,2}[a-e]?)(?![\\w+-])", in: line))
            .map {
                Violation(path: path, line: number + 1, message: "`\($0)` means nothing to a reader: say what it is")
            }
    }
}

/// The prose of a Swift file: comments, and the lines that name a test.
func prose(of text: String, source: SourceText) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return zip(lines, source.comments).map { line, comment in
        matches(of: "^\\s*(@(?:Test|Suite)\\()", in: line).isEmpty ? String(comment) : String(line)
    }
}

/// The first group of every match.
private func matches(of pattern: String, in line: some StringProtocol) -> [String] {
    let text = String(line)
    guard let expression = try? NSRegularExpression(pattern: pattern) else { return ["\(pattern) is no pattern"] }
    return expression.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap { match in
        Range(match.range(at: 1), in: text).map { String(text[$0]) }
    }
}
