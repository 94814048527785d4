/// Which tests there are, to hold documents against that say which test shows what.
struct NamedTests {
    /// Display names, by the path of their file below `Tests`.
    private let names: [String: [String]]

    /// - Parameter files: The text of each test file, by its path below `Tests`.
    init(_ files: [String: String]) {
        names = files.mapValues { text in
            text.matches(of: #/@Test\(\s*((?:"(?:[^"\\]|\\.)*"\s*\+?\s*)+)/#).map { test in
                test.output.1.matches(of: #/"((?:[^"\\]|\\.)*)"/#)
                    .map { String($0.output.1).replacing("\\\"", with: "\"") }
                    .joined()
            }
        }
    }

    /// What a table of faults says wrongly: in the last cell of a row, names that are divided by `;` stand before their file.
    func violations(inTable text: String, path: String) -> [Violation] {
        lines(of: text).flatMap { number, line -> [Violation] in
            guard line.starts(with: #/\| [FS]\d/#), let cell = line.split(separator: "|").last else { return [] }
            return cell.matches(of: #/(.*?)\((?:all |both )?`([^`]+\.swift)`[^)]*\)/#).compactMap { mention in
                problem(named: String(mention.output.1), file: String(mention.output.2))
                    .map { Violation(path: path, line: number, message: $0) }
            }
        }
    }

    /// What a text says wrongly that names tests in italics, in lines of which a paragraph has many, and files in code.
    func violations(inText text: String, path: String) -> [Violation] {
        let all = Set(names.values.joined())
        let whole = text.replacing(#/\s*\n\s*/#, with: " ")
        let unknown = whole.matches(of: #/\*([^*]+)\*/#).map { String($0.output.1) }.filter { !all.contains($0) }
            .map { "there is no test \"\($0)\"" }
        let missing = whole.matches(of: #/`(\w+Tests\/[^`]+\.swift)`/#).map { String($0.output.1) }
            .filter { names[$0] == nil }.map { "there is no file Tests/\($0)" }
        return (unknown + missing).map { Violation(path: path, line: 1, message: $0) }
    }

    private func problem(named text: String, file: String) -> String? {
        guard let known = names[file] else { return "there is no file Tests/\(file)" }
        // A name may hold a semicolon itself, and may be the beginning of another.
        var left = text
        for name in known.sorted(by: { $0.count > $1.count }) { left = left.replacing(name, with: "") }
        left = left.replacing(#/^\s*;?\s*[A-Za-z ]*: /#, with: "").trimmingBlanksAndSemicolons
        guard left.isEmpty, left.count < text.trimmingBlanksAndSemicolons.count else {
            return "Tests/\(file) has no test \"\(left)\""
        }
        return nil
    }

    private func lines(of text: String) -> [(Int, Substring)] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { ($0 + 1, $1) }
    }
}

extension String {
    fileprivate var trimmingBlanksAndSemicolons: String { replacing(#/^[\s;]+|[\s;]+$/#, with: "") }
}
