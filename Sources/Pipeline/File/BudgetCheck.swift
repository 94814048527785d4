package import RoostCore

extension PipelineDefinition {
    /// Steps that could never start where the steps together may have so much memory.
    ///
    /// - Parameter total: The engine's memory.
    /// - Returns: An error at each step; none where the file names no budget.
    package func stepsBeyondBudget(onEngineWith total: ByteCount) -> [Diagnostic] {
        guard let memoryBudget else { return [] }
        let size = memoryBudget.size(of: total)
        let shown: String =
            switch memoryBudget {
            case .size: "\(size)"
            case .share: "\(size) (\(memoryBudget))"
            }
        var diagnostics: [Diagnostic] = []
        for step in steps where step.memory > size {
            let key = TOMLKeyPath([.key("stages"), .key(step.id.stage), .key("steps"), .key(step.declaredName)])
            let diagnostic = Diagnostic(
                .error,
                file: file.shownName,
                position: step.position,
                keyPath: key.description,
                message: "its memory limit of \(step.memory) is more than the whole memory_budget of \(shown)"
            )
            // The instances of a matrix stand in one place.
            if diagnostics.last != diagnostic { diagnostics.append(diagnostic) }
        }
        return diagnostics
    }
}
