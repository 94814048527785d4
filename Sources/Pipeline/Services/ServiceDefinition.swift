package import ImagePull
package import OCIDistribution
package import RoostCore

/// A service within its pipeline.
package struct ServiceID: Hashable, Sendable, CustomStringConvertible {
    /// The stage that it runs beside; `nil` in a pipeline without stages of its own, where it runs beside all steps.
    package let stage: String?
    /// Its name in the file, and the name by which steps reach it.
    package let service: String

    package init(stage: String?, service: String) {
        self.stage = stage
        self.service = service
    }

    package var description: String { stage.map { "\($0)/\(service)" } ?? service }

    /// As part of a sentence: `service db of stage test`.
    package var phrase: String { "service \(service)" + (stage.map { " of stage \($0)" } ?? "") }
}

/// One service as the file describes it, with the pipeline's defaults filled in: a container that runs beside steps.
package struct ServiceDefinition: Hashable, Sendable {
    package let id: ServiceID
    package let image: ImageReference
    /// The image as it is written in the file, for messages and reports.
    package let imageText: String
    /// `nil` runs the image's own command.
    package var command: StepCommand?
    /// `nil` keeps the image's entry point, an empty list removes it.
    package var entrypoint: [String]?
    /// In the order of the file; no name twice.
    package var env: [EnvironmentVariable] = []
    package var memory = StepDefaults.memory
    /// `user`, `uid`, `user:group` or `uid:gid`; `nil` is the image's user.
    package var user: String?
    package var pull = PullPolicy.missing
    /// Between TERM and KILL.
    package var stopGrace = StepDefaults.stopGrace
    /// When steps may start.
    package var readiness = ServiceReadiness()
    /// Where the file defines the service.
    package var position: SourcePosition?

    package init(id: ServiceID, image: ImageReference, imageText: String) {
        self.id = id
        self.image = image
        self.imageText = imageText
    }
}

/// How it is found out that a service can be used.
package struct ServiceReadiness: Hashable, Sendable {
    package enum Check: Hashable, Sendable {
        /// It is ready as soon as it runs.
        case running
        /// A command that exits with 0 in the service's own container.
        case command(StepCommand)
        /// Something in the container accepts connections at this port from other containers.
        case port(Int)
    }

    package static let defaultTimeout = Duration.seconds(60)
    package static let defaultInterval = Duration.milliseconds(500)
    /// The pause after the first look: many services are ready long before an interval is over.
    static let firstPause = Duration.milliseconds(20)

    package var check = Check.running
    /// How long the service may take, from its start.
    package var timeout = defaultTimeout
    /// The longest pause between two looks.
    package var interval = defaultInterval

    package init() {}

    /// The pause before the next look: short at first, twice as long each time, up to the interval.
    ///
    /// - Parameter looks: How many there have been, from 1.
    /// - Returns: The pause.
    func pause(after looks: Int) -> Duration {
        min(Self.firstPause * (1 << min(max(looks - 1, 0), 20)), interval)
    }
}

/// Services that start and end together, in a network of their own which the steps beside them join.
package struct ServiceGroup: Hashable, Sendable {
    /// The stage whose steps they run beside; `nil` for all stages.
    package let stage: String?
    /// The places of these stages in the plan.
    package let stages: Range<Int>
    /// In the order of the file; never empty.
    package let services: [ServiceDefinition]
    /// The highest memory limit of a step beside them.
    package let largestStep: ByteCount

    /// What the services may use together.
    package var memory: ByteCount { ByteCount(saturatingSum: services.map(\.memory)) }
}

extension ByteCount {
    /// The sum, or the largest size there is.
    init(saturatingSum sizes: some Sequence<ByteCount>) {
        self.init(
            sizes.reduce(Int64(0)) { sum, size in
                let (next, overflow) = sum.addingReportingOverflow(size.bytes)
                return overflow ? .max : next
            }
        )
    }
}
