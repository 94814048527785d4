/// The secrets of one run: their values, and what hides them in everything that the run shows.
package struct RunSecrets: Sendable, CustomStringConvertible, CustomReflectable {
    private let values: [String: SecretValue]
    /// `nil` where the run has no secrets: nothing is looked for then.
    package let mask: SecretMask?

    package init(_ values: [String: SecretValue]) {
        self.values = values
        mask = values.isEmpty ? nil : SecretMask(values.values.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) })
    }

    package static let none = RunSecrets([:])

    /// The secrets of a step that are variables of its container, as the engine takes them: `NAME=value`.
    func assignments(for step: StepDefinition) -> [String] {
        step.secrets.compactMap { secret in
            guard let variable = secret.variable, let text = values[secret.name]?.text else { return nil }
            return "\(variable)=\(text)"
        }
    }

    /// The secrets of a step that are files of its container, by their names.
    func files(for step: StepDefinition) -> [(name: String, value: SecretValue)] {
        step.secrets.compactMap { secret in
            guard secret.delivery == .file, let value = values[secret.name] else { return nil }
            return (secret.name, value)
        }
    }

    package var description: String { values.keys.sorted().map { "\($0)=…" }.joined(separator: " ") }

    package var customMirror: Mirror { Mirror(self, children: ["names": values.keys.sorted()]) }
}
