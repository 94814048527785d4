/// A place in a text file, both counted from 1; columns count Unicode scalars, as most compilers and editors do.
package struct SourcePosition: Hashable, Sendable, Comparable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// Something that is wrong, or odd, in a file that a person wrote.
///
/// Readers collect these rather than stop at the first, so that one look at a file tells all that has to be changed.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package enum Severity: String, Sendable, Hashable {
        case error
        /// The file can be used; what it says there has no effect or is probably not meant.
        case warning
    }

    package let severity: Severity
    /// The file as the person knows it, such as `roost.toml`.
    package let file: String
    /// `nil` where the place is not known, such as for a key that is missing.
    package let position: SourcePosition?
    /// The key that the message is about, such as `stages.build.steps.compile.memory`; `nil` for the file as a whole.
    package let keyPath: String?
    /// What is wrong and what to write instead, without the place; one line.
    package let message: String

    package init(
        _ severity: Severity,
        file: String,
        position: SourcePosition? = nil,
        keyPath: String? = nil,
        message: String
    ) {
        self.severity = severity
        self.file = file
        self.position = position
        self.keyPath = keyPath
        self.message = message
    }

    package var line: Int? { position?.line }
    package var column: Int? { position?.column }

    /// The form that editors and CI systems recognise: `roost.toml:12:1: error: stages.build: message`.
    package var description: String {
        var text = file
        if let position { text += ":\(position.line):\(position.column)" }
        text += ": \(severity.rawValue): "
        if let keyPath { text += "\(keyPath): " }
        return text + message
    }
}

extension Sequence<Diagnostic> {
    /// Whether one of them forbids the use of the file.
    package var hasErrors: Bool { contains { $0.severity == .error } }

    /// In the order of the file, those without a place last; in the order found where two share a place.
    package func sortedByPosition() -> [Diagnostic] {
        enumerated().sorted { left, right in
            switch (left.element.position, right.element.position) {
            case (let first?, let second?) where first != second: first < second
            case (.some, nil): true
            case (nil, .some): false
            default: left.offset < right.offset
            }
        }.map(\.element)
    }
}
