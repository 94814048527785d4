/// What a container is made of: the body of `POST /containers/create`.
package struct ContainerSpecification: Encodable, Sendable {
    /// The image by ID or reference. Roost's runs name it by ID, so that a tag that moves meanwhile changes nothing.
    package var image: String
    /// Replaces the image's entry point; an empty list removes it; `nil` keeps it.
    package var entrypoint: [String]?
    /// Replaces the image's command; `nil` keeps it.
    package var command: [String]?
    /// `NAME=value`.
    package var environment: [String] = []
    package var labels: [String: String] = [:]
    /// `user[:group]`; `nil` keeps the image's.
    package var user: String?
    package var workingDirectory: String?
    package var hostname: String?
    package var openStdin = false
    /// Closes stdin when the first attached client goes.
    package var stdinOnce = false
    package var attachStdin = false
    package var tty = false
    /// The signal that asks the command to stop; `nil` keeps the image's.
    package var stopSignal: String?
    package var host = HostConfiguration()

    package init(image: String) {
        self.image = image
    }

    enum CodingKeys: String, CodingKey {
        case image = "Image"
        case entrypoint = "Entrypoint"
        case command = "Cmd"
        case environment = "Env"
        case labels = "Labels"
        case user = "User"
        case workingDirectory = "WorkingDir"
        case hostname = "Hostname"
        case openStdin = "OpenStdin"
        case stdinOnce = "StdinOnce"
        case attachStdin = "AttachStdin"
        case tty = "Tty"
        case stopSignal = "StopSignal"
        case host = "HostConfig"
    }

    /// The part of a container that concerns its host.
    package struct HostConfiguration: Encodable, Sendable {
        /// Bytes; `nil` for no limit.
        package var memory: Int64?
        /// Memory and swap together, in bytes; equal to ``memory`` for no swap.
        package var memoryAndSwap: Int64?
        package var mounts: [Mount] = []
        /// Runs a small init as process 1 that forwards signals and reaps children.
        package var usesInit: Bool?
        package var networkMode: String?
        package var logDriver: LogDriver?
        /// Names without `CAP_`, or `ALL`; `nil` keeps the engine's default.
        package var addedCapabilities: [String]?
        package var droppedCapabilities: [String]?
        /// Such as `no-new-privileges` and `seccomp=unconfined`.
        package var securityOptions: [String]?
        /// Processes and threads at once; `nil` for no limit.
        package var pidsLimit: Int64?
        package var isPrivileged: Bool?
        /// Whether the container's own file system can't be written to.
        package var isReadOnly: Bool?
        package var devices: [Device]?
        /// The size of `/dev/shm` in bytes; `nil` for the engine's default.
        package var sharedMemory: Int64?

        package init() {}

        enum CodingKeys: String, CodingKey {
            case memory = "Memory"
            case memoryAndSwap = "MemorySwap"
            case mounts = "Mounts"
            case usesInit = "Init"
            case networkMode = "NetworkMode"
            case logDriver = "LogConfig"
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

    /// A device of the host's; also a row of what an inspection tells.
    package struct Device: Codable, Hashable, Sendable {
        package var hostPath: String
        package var containerPath: String
        /// Of `r`, `w` and `m`.
        package var permissions: String

        package init(hostPath: String, containerPath: String, permissions: String) {
            self.hostPath = hostPath
            self.containerPath = containerPath
            self.permissions = permissions
        }

        enum CodingKeys: String, CodingKey {
            case hostPath = "PathOnHost"
            case containerPath = "PathInContainer"
            case permissions = "CgroupPermissions"
        }
    }

    package struct Mount: Encodable, Sendable {
        package enum Kind: String, Encodable, Sendable { case bind, volume, tmpfs }

        package var kind: Kind
        package var source: String?
        package var target: String
        package var readOnly: Bool
        /// Of a tmpfs; `nil` for any other mount.
        package var tmpfs: TmpfsOptions?

        package struct TmpfsOptions: Encodable, Sendable {
            /// Bytes; `nil` for no limit of its own.
            package var size: Int64?

            package init(size: Int64? = nil) {
                self.size = size
            }

            enum CodingKeys: String, CodingKey { case size = "SizeBytes" }
        }

        package init(kind: Kind, source: String?, target: String, readOnly: Bool = false) {
            self.kind = kind
            self.source = source
            self.target = target
            self.readOnly = readOnly
        }

        enum CodingKeys: String, CodingKey {
            case kind = "Type"
            case source = "Source"
            case target = "Target"
            case readOnly = "ReadOnly"
            case tmpfs = "TmpfsOptions"
        }
    }

    package struct LogDriver: Encodable, Sendable {
        package var type: String
        package var options: [String: String]

        package init(type: String, options: [String: String] = [:]) {
            self.type = type
            self.options = options
        }

        enum CodingKeys: String, CodingKey {
            case type = "Type"
            case options = "Config"
        }
    }
}
