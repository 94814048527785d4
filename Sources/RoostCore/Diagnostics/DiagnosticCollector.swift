/// Gathers what is wrong with one file while it is read.
///
/// A class, since the readers of nested tables all add to the same list; it stays within one synchronous read.
package final class DiagnosticCollector {
    package let file: String
    package private(set) var diagnostics: [Diagnostic] = []

    package init(file: String) {
        self.file = file
    }

    package var hasErrors: Bool { diagnostics.hasErrors }

    package func error(_ message: String, at position: SourcePosition?, key: TOMLKeyPath? = nil) {
        add(.error, message, at: position, key: key)
    }

    package func warning(_ message: String, at position: SourcePosition?, key: TOMLKeyPath? = nil) {
        add(.warning, message, at: position, key: key)
    }

    /// Adds what somebody else has found in the same file.
    package func add(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

    private func add(
        _ severity: Diagnostic.Severity,
        _ message: String,
        at position: SourcePosition?,
        key: TOMLKeyPath?
    ) {
        diagnostics.append(
            Diagnostic(severity, file: file, position: position, keyPath: key?.description, message: message)
        )
    }
}
