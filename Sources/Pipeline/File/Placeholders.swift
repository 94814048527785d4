import RoostCore

/// `${{ name }}` in a pipeline's texts.
enum Placeholders {
    /// From behind `${{` to behind `}}`, in characters: a name and blanks around it.
    private static let longestPlaceholder = 100

    /// What a text becomes.
    struct Filled {
        var text = ""
        /// The names that were found.
        var names: [String] = []
        /// Whether a placeholder begins that has no name, or no end on its line.
        var hasBroken = false
    }

    static let broken =
        "a placeholder that has no name or no end: it is written ${{ name }}, and the text ${{ itself $${{"

    /// Replaces every placeholder, and every `$${{` by `${{`.
    ///
    /// - Parameters:
    ///   - text: The text; what begins like a placeholder and is none stays as it is.
    ///   - value: What to put in the place of a name.
    /// - Returns: The text, and what was found in it.
    static func fill(_ text: String, value: (String) -> String) -> Filled {
        guard text.contains("${{") else { return Filled(text: text) }
        var filled = Filled()
        var rest = text[...]
        while let start = rest.firstRange(of: "${{") {
            if rest[..<start.lowerBound].last == "$" {
                filled.text += rest[..<start.lowerBound].dropLast() + "${{"
                rest = rest[start.upperBound...]
                continue
            }
            filled.text += rest[..<start.lowerBound]
            let inner = rest[start.upperBound...]
            // No name is longer: a search for the end over the whole rest, for each begin, would take for ever.
            let near = inner.prefix(longestPlaceholder)
            if let end = near.firstRange(of: "}}") {
                let name = near[..<end.lowerBound].trimmingPrefix { $0 == " " || $0 == "\t" }
                let trimmed = String(name.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
                if !trimmed.isEmpty, !trimmed.contains(where: \.isNewline) {
                    filled.names.append(trimmed)
                    filled.text += value(trimmed)
                    rest = inner[end.upperBound...]
                    continue
                }
            }
            filled.hasBroken = true
            filled.text += rest[start]
            rest = inner
        }
        filled.text += rest
        return filled
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
    /// The step's table with the instance's values in place of all placeholders; those that are broken, and names that the
    /// matrix lacks, are reported.
    ///
    /// - Returns: `nil` where one was.
    func fill(
        _ table: TOMLTableNode,
        with instance: MatrixInstance,
        withoutMatrix: String = "the step has no matrix"
    ) -> TOMLTableNode? {
        var isComplete = true
        var filledBytes = 0
        let filled = table.mapStrings { text, node in
            let filled = Placeholders.fill(text) { name in
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
            }
            if filled.hasBroken {
                isComplete = false
                collector.error(Placeholders.broken, at: node.position, key: node.path)
            }
            return filled.text
        }
        return isComplete ? filled : nil
    }
}
