import Foundation

/// The answer to `POST /containers/create`.
package struct CreatedContainer: Decodable, Sendable {
    package let id: String
    /// What the engine could not do as asked, such as a swap limit that the kernel lacks.
    package let warnings: [String]?

    package init(id: String, warnings: [String]?) {
        self.id = id
        self.warnings = warnings
    }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case warnings = "Warnings"
    }
}

/// One row of `GET /containers/json`.
package struct ContainerSummary: Decodable, Sendable {
    package let id: String
    package let names: [String]?
    package let image: String
    package let imageID: String
    /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
    package let state: String
    package let labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case names = "Names"
        case image = "Image"
        case imageID = "ImageID"
        case state = "State"
        case labels = "Labels"
    }
}

/// `GET /containers/{id}/json`.
package struct ContainerInspection: Decodable, Sendable {
    package let id: String
    package let name: String
    package let image: String
    package let state: State
    package let config: Config
    package let mounts: [MountPoint]?
    package let host: HostConfiguration?
    /// What the most privileged process of it can have; of Podman's alone.
    package let boundingCapabilities: [String]?

    package struct State: Decodable, Sendable {
        /// `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
        package let status: String
        package let isRunning: Bool
        package let exitCode: Int
        /// True where the kernel killed a process of the container for want of memory; not necessarily its first.
        package let wasOOMKilled: Bool
        /// Why the engine could not start it; empty otherwise.
        package let error: String?
        package let processID: Int?
        package let startedAt: String?
        package let finishedAt: String?

        /// How long its process ran, from the engine's start of it to its end; `nil` where the engine doesn't tell both.
        package var ran: Duration? {
            // The year 1 stands for "never".
            guard !isRunning, let start = startedAt.flatMap(EngineTime.parse), start.timeIntervalSince1970 > 0,
                let end = finishedAt.flatMap(EngineTime.parse), end >= start
            else { return nil }
            return .seconds(end.timeIntervalSince(start))
        }

        enum CodingKeys: String, CodingKey {
            case status = "Status"
            case isRunning = "Running"
            case exitCode = "ExitCode"
            case wasOOMKilled = "OOMKilled"
            case error = "Error"
            case processID = "Pid"
            case startedAt = "StartedAt"
            case finishedAt = "FinishedAt"
        }
    }

    package struct Config: Decodable, Sendable {
        package let image: String
        package let labels: [String: String]?
        package let environment: [String]?
        package let entrypoint: [String]?

        enum CodingKeys: String, CodingKey {
            case image = "Image"
            case labels = "Labels"
            case environment = "Env"
            case entrypoint = "Entrypoint"
        }
    }

    package struct MountPoint: Decodable, Sendable {
        package let type: String
        package let name: String?
        /// On the host; of a volume the folder where the engine keeps it.
        package let source: String?
        package let destination: String
        package let isWritable: Bool?

        package init(type: String, name: String?, source: String?, destination: String, isWritable: Bool?) {
            self.type = type
            self.name = name
            self.source = source
            self.destination = destination
            self.isWritable = isWritable
        }

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case name = "Name"
            case source = "Source"
            case destination = "Destination"
            case isWritable = "RW"
        }
    }

    /// What the engine has made of a `HostConfig`.
    package struct HostConfiguration: Decodable, Sendable {
        package var memory: Int64?
        package var memoryAndSwap: Int64?
        package var networkMode: String?
        package var addedCapabilities: [String]?
        package var droppedCapabilities: [String]?
        package var securityOptions: [String]?
        package var pidsLimit: Int64?
        package var isPrivileged: Bool?
        package var isReadOnly: Bool?
        package var devices: [ContainerSpecification.Device]?
        package var sharedMemory: Int64?

        package init() {}

        enum CodingKeys: String, CodingKey {
            case memory = "Memory"
            case memoryAndSwap = "MemorySwap"
            case networkMode = "NetworkMode"
            case addedCapabilities = "CapAdd"
            case droppedCapabilities = "CapDrop"
            case securityOptions = "SecurityOpt"
            case pidsLimit = "PidsLimit"
            case isPrivileged = "Privileged"
            case isReadOnly = "ReadonlyRootfs"
            case devices = "Devices"
            case sharedMemory = "ShmSize"
        }
    }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case name = "Name"
        case image = "Image"
        case state = "State"
        case config = "Config"
        case mounts = "Mounts"
        case host = "HostConfig"
        case boundingCapabilities = "BoundingCaps"
    }
}

/// The answer to `POST /containers/{id}/wait`.
package struct ContainerExit: Decodable, Sendable {
    package let statusCode: Int
    package let error: Failure?

    package struct Failure: Decodable, Sendable {
        package let message: String?
        enum CodingKeys: String, CodingKey { case message = "Message" }
    }

    enum CodingKeys: String, CodingKey {
        case statusCode = "StatusCode"
        case error = "Error"
    }
}

/// What to wait for (`condition` of `POST /containers/{id}/wait`).
package enum WaitCondition: String, Sendable {
    /// Ends at once for a container that does not run, one that never ran included.
    case notRunning = "not-running"
    /// Ends with the next exit: to be asked for before the start.
    case nextExit = "next-exit"
    case removed
}

/// One sample of `GET /containers/{id}/stats`.
package struct ContainerStatistics: Decodable, Sendable {
    package let memory: Memory?

    package struct Memory: Decodable, Sendable {
        /// Bytes in use now, page cache included.
        package let usage: Int64?
        /// The most so far; cgroup v1 only.
        package let maximum: Int64?
        package let statistics: [String: Int64]?

        enum CodingKeys: String, CodingKey {
            case usage
            case maximum = "max_usage"
            case statistics = "stats"
        }
    }

    enum CodingKeys: String, CodingKey { case memory = "memory_stats" }
}
