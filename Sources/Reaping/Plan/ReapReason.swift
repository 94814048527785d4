package import RoostCore

/// Why something is removed or kept.
package enum ReapReason: Hashable, Sendable {
    // Removed:
    case ownerDied(OwnerState.Death)
    // Kept:
    case ownerMayLive(OwnerState)
    /// Of another boot, on an engine elsewhere: the owner may live on a machine that can't be seen from here.
    case ownerElsewhere
    case otherInstallation
    case noKind
    case lifetime(String)
    case noOwner
    /// All labels of Roost's that it carries are its image's: it was made from a commit, by somebody else.
    case labelsOfImage
    /// Its image is gone, so that nothing tells whether the labels are its own.
    case imageGone

    /// For people: "its owner …".
    package var description: String {
        switch self {
        case .ownerDied(.anotherBoot): "its owner ran before the machine was started again"
        case .ownerDied(.gone): "its owner has ended"
        case .ownerDied(.zombie): "its owner has ended"
        case .ownerDied(.pidReused): "its owner has ended, and its pid belongs to another process"
        case .ownerMayLive(.stopped): "its owner is stopped, and may be continued"
        case .ownerMayLive(.unknown): "its owner runs where it can't be seen, as in another container"
        case .ownerMayLive: "its owner lives"
        case .ownerElsewhere: "its owner ran on another machine, or before this one was started again"
        case .otherInstallation: "it belongs to another installation"
        case .noKind: "it does not say what it is for"
        case .lifetime(let lifetime):
            lifetime.isEmpty
                ? "it does not say how long it lives" : "its lifetime is \(PrintableText.quoted(lifetime, limit: 40))"
        case .noOwner: "it names no owner"
        case .labelsOfImage: "its labels are those of its image"
        case .imageGone: "its image is gone, and with it what tells whether the labels are its own"
        }
    }

    /// For programs.
    package var code: String {
        switch self {
        case .ownerDied(.anotherBoot): "owner_of_another_boot"
        case .ownerDied(.gone), .ownerDied(.zombie): "owner_ended"
        case .ownerDied(.pidReused): "owner_pid_reused"
        case .ownerMayLive(.stopped): "owner_stopped"
        case .ownerMayLive(.unknown): "owner_not_visible"
        case .ownerMayLive: "owner_lives"
        case .ownerElsewhere: "owner_elsewhere"
        case .otherInstallation: "other_installation"
        case .noKind: "no_kind"
        case .lifetime: "other_lifetime"
        case .noOwner: "no_owner"
        case .labelsOfImage: "labels_of_image"
        case .imageGone: "image_gone"
        }
    }
}
