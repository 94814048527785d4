package import ImagePull
package import OCIDistribution
package import RoostCore

/// One step as the file describes it, with the pipeline's defaults filled in.
package struct StepDefinition: Hashable, Sendable {
    package let id: StepID
    /// The step's name in the file, which the instances of a matrix share.
    package var declaredName: String
    package let image: ImageReference
    /// The image as it is written in the file, for messages and reports.
    package let imageText: String
    /// `nil` runs the image's own command.
    package let command: StepCommand?
    /// `nil` keeps the image's entry point, an empty list removes it; see ``containerEntrypoint``.
    package let entrypoint: [String]?
    /// In the order of the file; no name twice.
    package var env: [EnvironmentVariable]
    /// In the order of the file; no name twice.
    package var secrets: [StepSecret] = []
    package let memory: ByteCount
    /// How long the step may run, counted from the start of its container.
    package let timeout: Duration
    /// `user`, `uid`, `user:group` or `uid:gid`; `nil` is the image's user.
    package let user: String?
    /// Where the project folder is mounted, and the working directory of the command. An absolute path.
    package let workdir: String
    package let pull: PullPolicy
    /// When it runs.
    package var schedule = StepSchedule()
    /// Whether it is run again where it does not succeed.
    package var retries = StepRetries()
    /// Between TERM and KILL where the step has to be stopped.
    package var stopGrace = StepDefaults.stopGrace
    /// Whether its container may be created and started ahead of its turn.
    package var isParked = true
    package var network = StepNetwork.slot
    package var security = StepSecurity()
    /// Beside the project folder; no two at the same place.
    package var mounts: [StepMount] = []
    /// What of this the operator has to allow.
    package var demands: [OperatorDemand] = []
    /// Where the file defines the step.
    package let position: SourcePosition?
    /// The keys that lead to it there; `nil` for a step of no file.
    package var keyPath: TOMLKeyPath?
    /// Where the file names the image.
    package let imagePosition: SourcePosition?

    package init(
        id: StepID,
        image: ImageReference,
        imageText: String,
        command: StepCommand? = nil,
        entrypoint: [String]? = nil,
        env: [EnvironmentVariable] = [],
        memory: ByteCount = StepDefaults.memory,
        timeout: Duration = StepDefaults.timeout,
        user: String? = nil,
        workdir: String = StepDefaults.workdir,
        pull: PullPolicy = .missing,
        position: SourcePosition? = nil,
        imagePosition: SourcePosition? = nil
    ) {
        self.id = id
        declaredName = id.step
        self.image = image
        self.imageText = imageText
        self.command = command
        self.entrypoint = entrypoint
        self.env = env
        self.memory = memory
        self.timeout = timeout
        self.user = user
        self.workdir = workdir
        self.pull = pull
        self.position = position
        self.imagePosition = imagePosition
    }

    /// The `Entrypoint` to create the container with.
    ///
    /// `nil` must be sent as absent, which keeps the image's entry point; an empty list as `[]`, which removes it and
    /// keeps the image's default command where ``containerCommand`` is `nil` (moby, `daemon/commit.go`, `merge`).
    package var containerEntrypoint: [String]? {
        StepCommand.entrypoint(of: command, over: entrypoint)
    }

    /// The `Cmd` to create the container with; `nil` must be sent as absent.
    package var containerCommand: [String]? {
        command?.words
    }
}

/// What a step runs.
package enum StepCommand: Hashable, Sendable {
    /// A line or a script for `/bin/sh -c`, which replaces the image's entry point.
    case shell(String)
    /// Arguments for the image's entry point, as `docker run IMAGE ARGUMENT…` passes them. Never empty.
    case arguments([String])

    /// What the entry point gets as its arguments.
    var words: [String] {
        switch self {
        case .shell(let text): [text]
        case .arguments(let arguments): arguments
        }
    }

    /// The entry point to create a container with; see ``StepDefinition/containerEntrypoint``.
    static func entrypoint(of command: StepCommand?, over entrypoint: [String]?) -> [String]? {
        guard case .shell = command else { return entrypoint }
        if let entrypoint, !entrypoint.isEmpty { return entrypoint }
        return shell
    }

    static let shell = ["/bin/sh", "-c"]
}

/// A variable of a step's environment. Its value may come from the caller's environment, so it is never printed.
package struct EnvironmentVariable: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    package let name: String
    package let value: String
    /// Whether the value is that of the caller's variable of the same name.
    package let isInherited: Bool

    package init(name: String, value: String, isInherited: Bool = false) {
        self.name = name
        self.value = value
        self.isInherited = isInherited
    }

    /// `NAME=value`, as the engine takes it.
    package var assignment: String { "\(name)=\(value)" }

    package var description: String { "\(name)=…" }

    package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}

/// What holds for a step that names nothing itself, where `[pipeline]` names nothing either.
package enum StepDefaults {
    /// As in Ciroach.
    package static let memory = ByteCount.mebibytes(512)
    /// As in Ciroach.
    package static let timeout = Duration.seconds(3600)
    package static let workdir = "/workspace"
    package static let stopGrace = Duration.seconds(10)
    /// The name of a step that runs whatever happened, unless it says otherwise.
    package static let alwaysName = "cleanup"
}
