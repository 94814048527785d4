/// A value that was read, with the place to name when it turns out to be wrong later.
package struct Located<Value> {
    package let value: Value
    package let position: SourcePosition?
    package let path: TOMLKeyPath

    package init(_ value: Value, position: SourcePosition?, path: TOMLKeyPath) {
        self.value = value
        self.position = position
        self.path = path
    }

    package func map<Other>(_ transform: (Value) -> Other) -> Located<Other> {
        Located<Other>(transform(value), position: position, path: path)
    }
}

extension Located: Sendable where Value: Sendable {}

/// Reads the keys of one table by name and kind, and reports every value of another kind and every key that nobody
/// asked for.
///
/// A value that is missing or wrong reads as `nil`; a wrong one has then been reported. Call ``finish()`` last.
package final class TOMLTableReader {
    package let table: TOMLTableNode
    package let collector: DiagnosticCollector
    private let byKey: [String: TOMLNode]
    private var known: [String] = []
    private var refused: Set<String> = []

    package init(_ table: TOMLTableNode, collector: DiagnosticCollector) {
        self.table = table
        self.collector = collector
        byKey = Dictionary(table.entries.map { ($0.key, $0.node) }) { first, _ in first }
    }

    package var path: TOMLKeyPath { table.path }

    /// Where the table stands: its header or key, else its first key.
    package var position: SourcePosition? { table.position ?? table.entries.first?.node.position }

    package func has(_ key: String) -> Bool { byKey[key] != nil }

    /// The value of a key, whatever its kind; the key counts as known from here on.
    package func node(_ key: String) -> TOMLNode? {
        known.append(key)
        return byKey[key]
    }

    /// Reports a key that a table must have and has not.
    package func reportMissing(_ key: String, _ explanation: String) {
        collector.error("missing: \(explanation)", at: position, key: path.appending(key))
    }

    /// Reports each of `keys` that is there, and does not report it again as unknown.
    package func refuse(_ keys: [String], message: (String) -> String) {
        for key in keys {
            guard let node = byKey[key] else { continue }
            refused.insert(key)
            collector.error(message(key), at: node.position, key: node.path)
        }
    }

    /// Reports every key that nobody asked for, naming the nearest known one.
    package func finish() {
        let names = Set(known).union(refused)
        for entry in table.entries where !names.contains(entry.key) {
            var message = "unknown key"
            if let nearest = NearestName.of(entry.key, in: known) {
                message += "; did you mean '\(nearest)'?"
            } else if !known.isEmpty {
                message += "; known here: \(known.uniqued().map { TOMLKeyPath.written($0) }.joined(separator: ", "))"
            }
            collector.error(message, at: entry.node.position, key: entry.node.path)
        }
    }

    /// Reports that a value is of another kind than it should be.
    package func reportWrongKind(_ node: TOMLNode, expected: String) {
        collector.error("expected \(expected), found \(node.foundText)", at: node.position, key: node.path)
    }
}

// MARK: - Kinds

extension TOMLTableReader {
    package func string(_ key: String, expected: String = "a string") -> Located<String>? {
        guard let node = node(key) else { return nil }
        guard case .string(let text) = node.value else {
            reportWrongKind(node, expected: expected)
            return nil
        }
        return located(text, node)
    }

    package func boolean(_ key: String) -> Located<Bool>? {
        guard let node = node(key) else { return nil }
        guard case .boolean(let flag) = node.value else {
            reportWrongKind(node, expected: "true or false")
            return nil
        }
        return located(flag, node)
    }

    package func integer(_ key: String, in range: ClosedRange<Int>) -> Located<Int>? {
        guard let node = node(key) else { return nil }
        guard case .integer(let number) = node.value, let value = Int(exactly: number), range.contains(value) else {
            let bounds =
                range.upperBound == .max
                ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            reportWrongKind(node, expected: "a whole number \(bounds)")
            return nil
        }
        return located(value, node)
    }

    /// A list of strings; `nil` where any element is of another kind, each of which is reported.
    package func strings(_ key: String, expected: String = "a list of strings") -> Located<[Located<String>]>? {
        guard let node = node(key) else { return nil }
        guard case .array(let elements) = node.value else {
            reportWrongKind(node, expected: expected)
            return nil
        }
        return strings(in: elements).map { located($0, node) }
    }

    /// A list of strings without its elements of another kind, each of which is reported, and how many these are: what is
    /// wrong with one element hides nothing that is wrong with the others.
    package func readableStrings(
        _ key: String,
        expected: String = "a list of strings"
    ) -> (strings: Located<[Located<String>]>, unreadable: Int)? {
        guard let node = node(key) else { return nil }
        guard case .array(let elements) = node.value else {
            reportWrongKind(node, expected: expected)
            return nil
        }
        let strings = readableStrings(in: elements)
        return (located(strings, node), elements.count - strings.count)
    }

    /// The strings of a list; `nil` where any element is of another kind, each of which is reported.
    package func strings(in elements: [TOMLNode]) -> [Located<String>]? {
        let strings = readableStrings(in: elements)
        return strings.count == elements.count ? strings : nil
    }

    /// The strings of a list; elements of another kind are reported and left out.
    package func readableStrings(in elements: [TOMLNode]) -> [Located<String>] {
        var strings: [Located<String>] = []
        for element in elements {
            if case .string(let text) = element.value {
                strings.append(located(text, element))
            } else {
                reportWrongKind(element, expected: "a string")
            }
        }
        return strings
    }

    package func table(_ key: String) -> TOMLTableReader? {
        node(key).flatMap { table($0) }
    }

    /// A reader of a value that should be a table.
    package func table(_ node: TOMLNode) -> TOMLTableReader? {
        guard case .table(let table) = node.value else {
            reportWrongKind(node, expected: "a table")
            return nil
        }
        return TOMLTableReader(table, collector: collector)
    }

    /// A list of tables, as `[[key]]` makes it; elements of another kind are reported and left out.
    package func tables(_ key: String) -> Located<[TOMLTableReader]>? {
        guard let node = node(key) else { return nil }
        guard case .array(let elements) = node.value else {
            reportWrongKind(node, expected: "a list of tables, written [[\(node.path)]]")
            return nil
        }
        return located(elements.compactMap { table($0) }, node)
    }

    /// A size: text such as `"512mb"`, or a number of bytes.
    package func byteCount(_ key: String) -> Located<ByteCount>? {
        guard let node = node(key) else { return nil }
        switch node.value {
        case .string(let text):
            if let size = ByteCount(parsing: text) { return located(size, node) }
        case .integer(let number) where number >= 0: return located(ByteCount(number), node)
        default: break
        }
        reportWrongKind(node, expected: "a size such as \"512mb\" or \"2gb\"")
        return nil
    }

    /// A memory budget: a size, a percentage such as `"80%"`, or a number of bytes.
    package func memoryBudget(_ key: String) -> Located<MemoryBudget>? {
        guard let node = node(key) else { return nil }
        switch node.value {
        case .string(let text):
            if let budget = MemoryBudget(parsing: text) { return located(budget, node) }
        case .integer(let number) where number > 0: return located(.size(ByteCount(number)), node)
        default: break
        }
        reportWrongKind(node, expected: "a size such as \"8gb\", or a part of the engine's memory such as \"80%\"")
        return nil
    }

    /// A duration: text such as `"90s"` or `"1h30m"`, or a number of seconds.
    package func duration(_ key: String) -> Located<Duration>? {
        guard let node = node(key) else { return nil }
        switch node.value {
        case .string(let text):
            if let duration = DurationText.parse(text) { return located(duration, node) }
        case .integer(let number) where number >= 0:
            if let duration = DurationText.parse(String(number)) { return located(duration, node) }
        default: break
        }
        reportWrongKind(node, expected: "a duration such as \"90s\", \"10m\" or \"1h30m\"")
        return nil
    }

    /// One of the words of an enumeration.
    package func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        of type: Choice.Type = Choice.self
    ) -> Located<Choice>? where Choice.RawValue == String {
        guard let text = string(key, expected: "one of \(Self.list(of: type))") else { return nil }
        return choice(text)
    }

    /// A list of words of an enumeration; words that are none are reported and left out.
    package func choices<Choice: RawRepresentable & CaseIterable>(
        _ key: String,
        of type: Choice.Type = Choice.self
    ) -> Located<[Choice]>? where Choice.RawValue == String {
        guard let texts = strings(key, expected: "a list of \(Self.list(of: type))") else { return nil }
        return texts.map { $0.compactMap { choice($0)?.value } }
    }

    private static func list<Choice: RawRepresentable & CaseIterable>(of _: Choice.Type) -> String
    where Choice.RawValue == String {
        Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    }

    private func choice<Choice: RawRepresentable & CaseIterable>(_ text: Located<String>) -> Located<Choice>?
    where Choice.RawValue == String {
        if let choice = Choice(rawValue: text.value) { return text.map { _ in choice } }
        var message =
            "expected one of \(Self.list(of: Choice.self)), "
            + "found the string \(PrintableText.quoted(text.value, limit: 40))"
        if let nearest = NearestName.of(text.value, in: Choice.allCases.map(\.rawValue)) {
            message += "; did you mean \"\(nearest)\"?"
        }
        collector.error(message, at: text.position, key: text.path)
        return nil
    }

    private func located<Value>(_ value: Value, _ node: TOMLNode) -> Located<Value> {
        Located(value, position: node.position, path: node.path)
    }
}

extension [String] {
    fileprivate func uniqued() -> [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
