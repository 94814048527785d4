package import RoostCore

/// Something on the engine that carries this installation's label, or stands in the journal.
package struct ReapObject: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable { case container, network, volume }

    package var kind: Kind
    /// The engine's ID; a volume's name.
    package var id: String
    package var name: String
    package var labels: [String: String]
    /// The labels of a container's image; `nil` where the image is gone, or was not looked at, since it decides nothing.
    package var imageLabels: [String: String]?
    /// The journal's entry, where labels can't tell whose it is.
    package var journaled: JournaledContainer?

    package init(
        kind: Kind,
        id: String,
        name: String,
        labels: [String: String],
        imageLabels: [String: String]? = nil,
        journaled: JournaledContainer? = nil
    ) {
        self.kind = kind
        self.id = id
        self.name = name
        self.labels = labels
        self.imageLabels = imageLabels
        self.journaled = journaled
    }

    /// The process that made it, by the journal, else by its label.
    package var owner: OwnerIdentity? {
        journaled?.owner ?? labels[LabelKey.owner].flatMap { OwnerIdentity(parsing: $0) }
    }
}

/// All that a reap decides by.
package struct ReapFacts: Sendable {
    package var installation: Installation
    /// Whether the engine is on this machine.
    package var isLocal: Bool
    package var objects: [ReapObject]
    /// Runs that the journal has no end of.
    package var unfinishedRuns: [RunRecord]
    /// Entries of the journal whose container is not there, of any owner.
    package var missing: [JournaledContainer]
    /// How the owners of all these are now.
    package var owners: [OwnerIdentity: OwnerState]

    package init(
        installation: Installation,
        isLocal: Bool,
        objects: [ReapObject] = [],
        unfinishedRuns: [RunRecord] = [],
        missing: [JournaledContainer] = [],
        owners: [OwnerIdentity: OwnerState] = [:]
    ) {
        self.installation = installation
        self.isLocal = isLocal
        self.objects = objects
        self.unfinishedRuns = unfinishedRuns
        self.missing = missing
        self.owners = owners
    }
}
