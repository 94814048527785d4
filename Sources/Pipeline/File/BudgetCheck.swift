package import RoostCore

extension PipelineDefinition {
    /// Steps, and services beside them, that could never start where all that run together may have so much memory: they
    /// would wait for ever.
    ///
    /// - Parameters:
    ///   - budget: What they may have together.
    ///   - total: The engine's memory, of which the budget may be a part.
    /// - Returns: An error at each step, and at the services of each stage.
    package func problems(within budget: MemoryBudget, onEngineWith total: ByteCount) -> [Diagnostic] {
        let size = budget.size(of: total)
        let shown: String =
            switch budget {
            case .size: "\(size)"
            case .share: "\(size) (\(budget))"
            }
        let groups = stages.map { ($0.services, $0.steps) } + [(services, steps)]
        return stepsBeyond(size, shown) + groups.compactMap { services($0, beside: $1, beyond: size, shown) }
    }

    private func stepsBeyond(_ size: ByteCount, _ shown: String) -> [Diagnostic] {
        var diagnostics: [Diagnostic] = []
        for step in steps where step.memory > size {
            let diagnostic = Diagnostic(
                .error,
                file: file.shownName,
                position: step.position,
                keyPath: step.keyPath?.description,
                message: "its memory limit of \(step.memory) is more than the whole memory_budget of \(shown)"
            )
            // The instances of a matrix stand in one place.
            if diagnostics.last != diagnostic { diagnostics.append(diagnostic) }
        }
        return diagnostics
    }

    /// - Returns: `nil` where they fit together.
    private func services(
        _ services: [ServiceDefinition],
        beside steps: [StepDefinition],
        beyond size: ByteCount,
        _ shown: String
    ) -> Diagnostic? {
        guard let first = services.first else { return nil }
        let memory = ByteCount(saturatingSum: services.map(\.memory))
        let largest = steps.map(\.memory).max() ?? ByteCount(0)
        // Of a step that is too large by itself the step's own place tells.
        guard ByteCount(saturatingSum: [memory, largest]) > size, largest <= size else { return nil }
        let key = TOMLKeyPath((first.id.stage.map { [.key("stages"), .key($0)] } ?? []) + [.key("services")])
        return Diagnostic(
            .error,
            file: file.shownName,
            position: first.position,
            keyPath: key.description,
            message:
                "the services' memory limits (\(memory)) and the largest step's beside them (\(largest)) are more than "
                + "the whole memory_budget of \(shown)"
        )
    }
}
