import RoostCore

/// `${{ name }}` in a pipeline's texts.
enum Placeholders {
    /// From behind `${{` to behind `}}`, in characters: a name and blanks around it.
    private static let longestPlaceholder = 100

    /// Replaces every placeholder.
    ///
    /// - Parameters:
    ///   - text: The text; what only looks like the begin of a placeholder stays as it is.
    ///   - value: What to put in the place of a name.
    /// - Returns: The text, and the names that were found.
    static func fill(_ text: String, value: (String) -> String) -> (text: String, names: [String]) {
        guard text.contains("${{") else { return (text, []) }
        var filled = ""
        var names: [String] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "${{") {
            filled += rest[..<start.lowerBound]
            let inner = rest[start.upperBound...]
            // No name is longer: a search for the end over the whole rest, for each begin, would take for ever.
            let near = inner.prefix(longestPlaceholder)
            if let end = near.firstRange(of: "}}") {
                let name = near[..<end.lowerBound].trimmingPrefix { $0 == " " || $0 == "\t" }
                let trimmed = String(name.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
                if !trimmed.isEmpty, !trimmed.contains(where: \.isNewline) {
                    names.append(trimmed)
                    filled += value(trimmed)
                    rest = inner[end.upperBound...]
                    continue
                }
            }
            filled += rest[start]
            rest = inner
        }
        return (filled + rest, names)
    }

    /// Whether a text can be the name of a placeholder.
    static func isName(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first.isASCII, first.properties.isAlphabetic, text.utf8.count <= 64
        else { return false }
        return text.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" || $0 == "-")
        }
    }
}

extension PipelineReading {
    /// The step's table with the instance's values in place of all placeholders; names that the matrix lacks are
    /// reported.
    ///
    /// - Returns: `nil` where a name is unknown.
    func fill(
        _ table: TOMLTableNode,
        with instance: MatrixInstance,
        withoutMatrix: String = "the step has no matrix"
    ) -> TOMLTableNode? {
        var isComplete = true
        var filledBytes = 0
        let filled = table.mapStrings { text, node in
            Placeholders.fill(text) { name in
                if let value = instance.value(of: name) {
                    filledBytes += value.utf8.count
                    guard filledBytes <= PipelineRules.mostFilledBytes / Self.mostInstances else {
                        if isComplete {
                            collector.error(
                                "the values of the matrix make the step too long: use fewer placeholders",
                                at: node.position,
                                key: node.path
                            )
                        }
                        isComplete = false
                        return ""
                    }
                    return value
                }
                isComplete = false
                var message = "${{ \(PrintableText.oneLine(name, limit: 40)) }} names nothing"
                if instance.values.isEmpty {
                    message += ": \(withoutMatrix)"
                } else if let nearest = NearestName.of(name, in: instance.values.map(\.name)) {
                    message += "; did you mean '\(nearest)'?"
                } else {
                    message += "; the matrix has \(instance.values.map(\.name).joined(separator: ", "))"
                }
                collector.error(message, at: node.position, key: node.path)
                return ""
            }.text
        }
        return isComplete ? filled : nil
    }
}
