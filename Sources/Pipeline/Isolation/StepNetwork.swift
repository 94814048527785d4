/// What a step reaches over the network.
package enum StepNetwork: String, Hashable, Sendable, CaseIterable {
    /// What a run gives a step that does not say.
    case slot
    /// A network namespace of the step's own, on the engine's default network.
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

    /// The engine's name of it; `nil` for its default.
    var mode: String? {
        switch self {
        case .slot, .private: nil
        case .none: "none"
        case .host: "host"
        }
    }
}
