/// A secret that a step gets, by name: the file never holds its value.
package struct StepSecret: Hashable, Sendable {
    package enum Delivery: Hashable, Sendable {
        /// As the file `/run/secrets/NAME`.
        case file
        /// As a variable of this name, which everyone sees who may inspect the container.
        case variable(String)
    }

    package let name: String
    package let delivery: Delivery

    package init(_ name: String, as delivery: Delivery = .file) {
        self.name = name
        self.delivery = delivery
    }

    /// Where a container finds its secrets.
    package static let containerFolder = "/run/secrets"

    /// The variable that it is given as, where it is one.
    package var variable: String? { if case .variable(let name) = delivery { name } else { nil } }
}

/// What the names, values and places of secrets may be. Each check returns what is wrong, or `nil`.
enum SecretRules {
    /// In bytes; all of them are ASCII.
    static let longestName = 64

    /// More is a list that somebody has generated.
    static let mostOfStep = 100

    /// The name becomes the name of a file and of the variable that is looked for: what both can be everywhere.
    static func problem(inName name: String) -> String? {
        let isWord = name.utf8.allSatisfy {
            $0 == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
        }
        guard let first = name.utf8.first, isWord, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first),
            name.utf8.count <= longestName
        else {
            return
                "a secret's name has at most \(longestName) letters, digits and underscores and begins with no digit, "
                + "such as \"NPM_TOKEN\""
        }
        return nil
    }

    /// The project folder must not cover the secrets, nor be written to for their mount.
    static func problem(inWorkdir workdir: String) -> String? {
        func parts(_ path: String) -> [Substring] { path.split(separator: "/") }
        let workspace = parts(workdir)
        let secrets = parts(StepSecret.containerFolder)
        guard workspace.starts(with: secrets) || secrets.starts(with: workspace) else { return nil }
        return
            "the project folder at \(workdir) and the secrets at \(StepSecret.containerFolder) would be in each other's "
            + "place; choose another workdir"
    }
}

extension PipelineDefinition {
    /// The name of every secret that its steps get, each once, in plan order.
    package var secretNames: [String] {
        var seen: Set<String> = []
        return steps.flatMap(\.secrets).map(\.name).filter { seen.insert($0).inserted }
    }

    /// The first of the caller's variables that a secret keeps from being one, and why; `nil` where there is none.
    package func conflict(with variables: [EnvironmentVariable]) -> String? {
        let names = Set(secretNames)
        let given = Set(steps.flatMap(\.secrets).compactMap(\.variable))
        for variable in variables {
            if variable.isInherited, names.contains(variable.name) {
                return
                    "\(variable.name) is a secret of this pipeline, and its value goes to no variable of a step unless "
                    + "the file says so: { name = \"\(variable.name)\", env = true }"
            }
            if given.contains(variable.name) {
                return "\(variable.name) is a variable that a step's `secrets` set; it cannot be set here too"
            }
        }
        return nil
    }
}
