import RegistryCache

/// What an installation of the cache did, or would do, for people and programs.
struct CacheInstallResult {
    let plan: InstallPlan
    let isCheck: Bool

    var text: String {
        let lines = plan.actions.map { action in
            let word =
                isCheck && action.isChange ? "would \(action.verb.rawValue)" : Self.word(action.verb, isDone: !isCheck)
            return "\(word)  \(action.place): \(action.reason)"
        }
        let end = plan.isDone ? ["nothing is to be done"] : []
        return (lines + end).flatMap { TextSanitizer.plainLines($0) }.map { $0 + "\n" }.joined()
    }

    private static func word(_ verb: InstallAction.Verb, isDone: Bool) -> String {
        guard isDone else { return verb.rawValue }
        return switch verb {
        case .keep: "keep"
        case .write: "wrote"
        case .remove: "removed"
        case .restore: "restored"
        case .start: "started"
        case .restart: "restarted"
        case .stop: "stopped"
        case .reload: "reloaded"
        }
    }

    /// `roost.cache_install/1`
    func json() throws -> [UInt8] {
        struct Wire: Encodable {
            struct Action: Encodable {
                let action, target, place, reason, detail: String
            }
            let schema = "roost.cache_install/1"
            let check: Bool
            /// Whether there is, or was, nothing to do.
            let current: Bool
            let actions: [Action]
        }
        return try StateJSON.encode(
            Wire(
                check: isCheck,
                current: plan.isDone,
                actions: plan.actions.map {
                    Wire.Action(
                        action: $0.verb.rawValue,
                        target: $0.target.rawValue,
                        place: $0.place,
                        reason: $0.reason.code,
                        detail: $0.reason.description
                    )
                }
            )
        )
    }
}
