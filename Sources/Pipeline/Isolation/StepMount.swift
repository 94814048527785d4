package import RoostCore

/// Something that a step sees beside the project folder.
package struct StepMount: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// A volume that outlives the run, by the name in the file.
        case volume(String)
        /// A file or folder of the project folder, as the file writes it: `./data`.
        case path(String)
        /// An empty folder in memory; without a size, up to the step's memory limit.
        case memory(size: ByteCount?)
    }

    package var source: Source
    /// Where the step sees it; absolute, without a slash at its end.
    package var target: String
    package var isReadOnly: Bool

    package init(source: Source, target: String, isReadOnly: Bool = false) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
    }

    /// Begins the engine's name of each volume: a pipeline reaches no volume that somebody else made.
    package static let volumePrefix = "roost-"

    /// As `docker run --volume` writes it.
    package var description: String {
        let name =
            switch source {
            case .volume(let name): name
            case .path(let path): path
            case .memory: "tmpfs"
            }
        return "\(name):\(target)" + (isReadOnly ? ":ro" : "")
    }
}

extension [StepMount] {
    /// Whether one of them leads into the project folder.
    ///
    /// The engine looks the way up once more when it starts the container. Nothing that could change the workspace may run
    /// meanwhile, since a link that is put in the way would lead the engine out of it: such a step is created and runs alone.
    package var leadIntoWorkspace: Bool {
        contains { if case .path = $0.source { true } else { false } }
    }

    /// These, and of `others` what does not stand at the same place.
    func over(_ others: [StepMount]) -> [StepMount] {
        let targets = Set(map(\.target))
        return others.filter { !targets.contains($0.target) } + self
    }
}
