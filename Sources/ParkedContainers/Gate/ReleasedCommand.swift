/// What a parked container becomes when it is released.
package struct ReleasedCommand: Sendable, Hashable {
    /// The program and its arguments; the program by its path, or found in `PATH`.
    package var arguments: [String]
    /// Added to the container's environment.
    package var environment: [(name: String, value: String)]
    /// Absolute; `nil` keeps the container's.
    package var workingDirectory: String?

    package init(
        _ arguments: [String],
        environment: [(name: String, value: String)] = [],
        workingDirectory: String? = nil
    ) {
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
    }

    package static func == (left: ReleasedCommand, right: ReleasedCommand) -> Bool {
        left.arguments == right.arguments && left.workingDirectory == right.workingDirectory
            && left.environment.elementsEqual(right.environment) { $0 == $1 }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(arguments)
        hasher.combine(workingDirectory)
        for variable in environment {
            hasher.combine(variable.name)
            hasher.combine(variable.value)
        }
    }
}
