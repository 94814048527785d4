/// The labels that every container, volume and network of Roost carries from its creation on.
///
/// Identity is read from these labels and never parsed out of names.
package enum LabelKey {
    /// How all of them begin.
    package static let prefix = "dev.roost."
    /// The UUID of the installation that made the object.
    package static let installation = "dev.roost.installation"
    /// What the object is for, such as `step`.
    package static let kind = "dev.roost.kind"
    /// The process that made it: boot id, pid and start time (see ``OwnerIdentity``).
    package static let owner = "dev.roost.owner"
    /// `run`: goes when its owner is dead. `kept`: goes when its lease or row ends.
    package static let lifetime = "dev.roost.lifetime"
    package static let run = "dev.roost.run"
    package static let stage = "dev.roost.stage"
    package static let step = "dev.roost.step"
    package static let service = "dev.roost.service"
    package static let attempt = "dev.roost.attempt"
}
