/// What `[workspace]` says: what a run does to the project folder beside running its steps.
package struct WorkspaceDefinition: Hashable, Sendable {
    package enum WipeMoment: String, Hashable, Sendable, CaseIterable {
        /// Before the first step.
        case before
        /// After the last step, however the run ended.
        case after
        /// After the last step of a run that succeeded.
        case success
        /// Only where somebody asks for it.
        case never
    }

    package enum Ownership: String, Hashable, Sendable, CaseIterable {
        /// What steps made belongs to whoever runs Roost.
        case restore
        /// It stays as the steps' containers made it.
        case keep
    }

    /// What to remove; in the order of the file.
    package var wipe: [WipePattern] = []
    package var wipeWhen = WipeMoment.before
    package var ownership = Ownership.restore

    package init() {}
}
