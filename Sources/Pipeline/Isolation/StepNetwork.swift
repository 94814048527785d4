/// What a step reaches over the network.
package enum StepNetwork: String, Hashable, Sendable, CaseIterable {
    /// What a run gives a step that does not say: a slot's, which the steps before it had, or one of its own.
    case slot
    /// A network namespace of the step's own, on the stage's network.
    case `private`
    /// Nothing but the container itself.
    case none
    /// The host's own network.
    case host

    /// What a file can ask for.
    enum Written: String, CaseIterable {
        case `private`, none, host

        var network: StepNetwork {
            switch self {
            case .private: .private
            case .none: .none
            case .host: .host
            }
        }
    }

    /// What the engine calls it; `nil` where it depends on the stage.
    var mode: String? {
        switch self {
        case .slot, .private: nil
        case .none: "none"
        case .host: "host"
        }
    }
}
