import RoostCore

/// One combination of a matrix's values.
struct MatrixInstance: Hashable {
    struct Value: Hashable {
        let name: String
        let text: String
    }

    /// In the order of the axes; empty for a step without a matrix.
    let values: [Value]

    static let single = MatrixInstance(values: [])

    func value(of name: String) -> String? { values.first { $0.name == name }?.text }

    /// The instance's name: the step's with its placeholders filled, or followed by the values.
    func name(of step: String) -> String {
        let filled = Placeholders.fill(step) { value(of: $0) ?? "" }
        guard filled.names.isEmpty else { return filled.text }
        return ([filled.text] + values.map(\.text)).joined(separator: "-")
    }
}

/// A step's `matrix`.
extension PipelineReading {
    /// Beyond this a matrix is a mistake, or meant to do harm.
    static let mostInstances = 1000

    /// The instances that a step stands for: one without values where it has no matrix.
    ///
    /// - Returns: `nil` where the matrix is wrong, which is reported.
    func instances(of step: TOMLTableReader) -> [MatrixInstance]? {
        guard let node = step.node("matrix") else { return [.single] }
        guard let matrix = step.table(node) else { return nil }
        let errorsBefore = collector.diagnostics.count
        let axes = matrix.isSingleAxis ? singleAxis(matrix).map { [$0] } ?? [] : axes(of: matrix)
        let excluded = exclusions(of: matrix, axes: axes)
        matrix.finish()
        guard !collector.diagnostics[errorsBefore...].hasErrors else { return nil }
        let count = axes.reduce(1) {
            $0.multipliedReportingOverflow(by: $1.values.count).overflow ? Int.max : $0 * $1.values.count
        }
        guard count <= Self.mostInstances else {
            collector.error(
                "a matrix can have at most \(Self.mostInstances) combinations",
                at: node.position,
                key: node.path
            )
            return nil
        }
        let all = axes.reduce([MatrixInstance.single]) { instances, axis in
            instances.flatMap { instance in
                axis.values.map {
                    MatrixInstance(values: instance.values + [MatrixInstance.Value(name: axis.name, text: $0)])
                }
            }
        }
        let instances = all.filter { instance in !excluded.contains { $0.isSubset(of: instance.values) } }
        if instances.isEmpty {
            collector.error("the matrix excludes all of its combinations", at: node.position, key: node.path)
            return nil
        }
        return instances
    }

    private struct Axis {
        let name: String
        let values: [String]
    }

    /// `{ variable = "arch", values = ["x86", "arm64"] }`
    private func singleAxis(_ matrix: TOMLTableReader) -> Axis? {
        guard let name = matrix.string("variable") else { return nil }
        guard check(axis: name.value, at: name.position, name.path) else { return nil }
        guard let node = matrix.node("values") else {
            matrix.reportMissing("values", "the variable's values, such as values = [\"x86\", \"arm64\"]")
            return nil
        }
        return axisValues(node, matrix).map { Axis(name: name.value, values: $0) }
    }

    /// `{ rust = ["1.75", "1.80"], os = ["debian", "alpine"] }`
    private func axes(of matrix: TOMLTableReader) -> [Axis] {
        let names = matrix.table.entries.map(\.key).filter { $0 != "exclude" }
        if names.isEmpty {
            collector.error("a matrix needs at least one variable", at: matrix.position, key: matrix.path)
        }
        return names.compactMap { name in
            guard let node = matrix.node(name), check(axis: name, at: node.position, node.path) else { return nil }
            return axisValues(node, matrix).map { Axis(name: name, values: $0) }
        }
    }

    private func check(axis name: String, at position: SourcePosition?, _ path: TOMLKeyPath) -> Bool {
        if Placeholders.isName(name) { return true }
        collector.error(
            "a matrix variable's name has letters, digits, `_` and `-`, and begins with a letter",
            at: position,
            key: path
        )
        return false
    }

    private func axisValues(_ node: TOMLNode, _ matrix: TOMLTableReader) -> [String]? {
        guard case .array(let elements) = node.value else {
            matrix.reportWrongKind(node, expected: "a list of values such as [\"x86\", \"arm64\"]")
            return nil
        }
        guard !elements.isEmpty else {
            collector.error("a matrix variable needs at least one value", at: node.position, key: node.path)
            return nil
        }
        guard elements.count <= Self.mostInstances else {
            collector.error(
                "a matrix can have at most \(Self.mostInstances) combinations",
                at: node.position,
                key: node.path
            )
            return nil
        }
        var values: [String] = []
        var known: Set<String> = []
        for element in elements {
            guard let value = matrixValue(element, matrix) else { continue }
            if !known.insert(value).inserted {
                collector.error(
                    "the value \(PrintableText.quoted(value)) is there twice",
                    at: element.position,
                    key: element.path
                )
            }
            values.append(value)
        }
        return values.count == elements.count ? values : nil
    }

    private func matrixValue(_ node: TOMLNode, _ matrix: TOMLTableReader) -> String? {
        switch node.value {
        case .string(let text):
            if text.utf8.count <= PipelineRules.longestMatrixValue { return text }
            collector.error(
                "a value of a matrix can have at most \(PipelineRules.longestMatrixValue) bytes",
                at: node.position,
                key: node.path
            )
            return nil
        case .integer(let number): return String(number)
        case .boolean(let flag): return String(flag)
        default:
            // A version such as 1.80 would lose its last digit as a number.
            matrix.reportWrongKind(node, expected: "a string, a whole number, true or false")
            return nil
        }
    }

    /// `exclude = [{ rust = "1.75", os = "alpine" }]`: every combination that has all of an entry's values.
    private func exclusions(of matrix: TOMLTableReader, axes: [Axis]) -> [Set<MatrixInstance.Value>] {
        guard let entries = matrix.tables("exclude") else { return [] }
        var suggestions = 0
        return entries.value.compactMap { entry in
            var values: Set<MatrixInstance.Value> = []
            for axis in axes {
                guard let node = entry.node(axis.name), let value = matrixValue(node, entry) else { continue }
                if !axis.values.contains(value) {
                    var message = "the matrix has no value \(PrintableText.quoted(value)) for `\(axis.name)`"
                    suggestions += 1
                    if suggestions <= Self.mostSuggestions, let nearest = NearestName.of(value, in: axis.values) {
                        message += "; did you mean \(PrintableText.quoted(nearest))?"
                    }
                    collector.error(message, at: node.position, key: node.path)
                }
                values.insert(MatrixInstance.Value(name: axis.name, text: value))
            }
            entry.finish()
            if values.isEmpty, entry.table.entries.isEmpty {
                collector.error("an empty exclusion would exclude everything", at: entry.position, key: entry.path)
            }
            return values.isEmpty ? nil : values
        }
    }
}

extension TOMLTableReader {
    /// Whether a matrix has the form with `variable` and `values`, rather than an axis of that name.
    fileprivate var isSingleAxis: Bool {
        table.entries.contains { entry in
            guard entry.key == "variable", case .string = entry.node.value else { return false }
            return true
        }
    }
}

extension Set {
    fileprivate func isSubset(of elements: [Element]) -> Bool { allSatisfy(elements.contains) }
}
