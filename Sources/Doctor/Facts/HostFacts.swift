package import DockerEngine
package import RoostCore

/// What an examination saw of this machine and its engine; ``Diagnosis`` decides what it means.
package struct HostFacts: Sendable {
    package var engine: EngineObservation
    package var machine: MachineFacts
    /// Where Roost keeps its state.
    package var stateFolder: FolderFacts
    /// Where a run in the current project writes its logs.
    package var logFolder: FolderFacts
    package var logins: LoginFacts

    package init(
        engine: EngineObservation,
        machine: MachineFacts,
        stateFolder: FolderFacts,
        logFolder: FolderFacts,
        logins: LoginFacts
    ) {
        self.engine = engine
        self.machine = machine
        self.stateFolder = stateFolder
        self.logFolder = logFolder
        self.logins = logins
    }
}

/// How far the way to the engine leads.
package enum EngineObservation: Sendable {
    /// The configuration names no engine that can be asked.
    case misconfigured(EngineError)
    /// The engine can't be used.
    case unusable(EnginePlace, EngineError)
    /// The engine answers, but tells nothing about its host.
    case silent(EnginePlace, EngineIdentity, EngineError)
    case answering(EnginePlace, EngineIdentity, EngineFacts)

    /// Where the engine is, if that is known.
    package var place: EnginePlace? {
        switch self {
        case .misconfigured: nil
        case .unusable(let place, _), .silent(let place, _, _), .answering(let place, _, _): place
        }
    }

    package var identity: EngineIdentity? {
        switch self {
        case .misconfigured, .unusable: nil
        case .silent(_, let identity, _), .answering(_, let identity, _): identity
        }
    }
}

/// Where the engine listens and who said so.
package struct EnginePlace: Sendable {
    package var endpoint: EngineEndpoint
    /// For people: `DOCKER_HOST`, `context 'remote'`, `default socket`.
    package var source: String
    /// The socket's file, where the engine listens on one that can be looked at.
    package var socket: SocketFacts?

    package init(endpoint: EngineEndpoint, source: String, socket: SocketFacts? = nil) {
        self.endpoint = endpoint
        self.source = source
        self.socket = socket
    }
}

/// The file of a unix socket.
package struct SocketFacts: Hashable, Sendable {
    package var owner: String
    package var group: String
    /// The permission bits, such as 0o660.
    package var mode: UInt16

    package init(owner: String, group: String, mode: UInt16) {
        self.owner = owner
        self.group = group
        self.mode = mode
    }
}

/// What the engine is.
package struct EngineIdentity: Sendable {
    package var version: String
    /// The API version that was agreed on.
    package var apiVersion: APIVersion
    /// The engine's newest.
    package var newestAPIVersion: APIVersion?
    package var isPodman: Bool

    package init(version: String, apiVersion: APIVersion, newestAPIVersion: APIVersion?, isPodman: Bool) {
        self.version = version
        self.apiVersion = apiVersion
        self.newestAPIVersion = newestAPIVersion
        self.isPodman = isPodman
    }

    package var name: String { isPodman ? "Podman" : "Docker" }
}

/// What the engine says of its host, and what can be seen of it from here.
package struct EngineFacts: Sendable {
    package var operatingSystem: String
    package var storageDriver: String
    package var cgroupVersion: String?
    package var cgroupDriver: String?
    /// Whether the kernel holds a container to its memory limit; `nil` where the engine does not say.
    package var memoryLimit: Bool?
    /// Whether swap counts towards that limit.
    package var swapLimit: Bool?
    package var isRootless: Bool
    /// Mirrors of docker.io, in the order in which the engine asks them.
    package var mirrors: [String]
    package var initProgram: InitProgram?
    package var dataRoot: String
    package var dataRootSpace: DataRootSpace
    /// How far the engine's clock is ahead of this machine's; zero where the difference is within the measurement's
    /// error, `nil` where the engine does not tell its time.
    package var clockOffset: Duration?

    package init(
        operatingSystem: String,
        storageDriver: String,
        cgroupVersion: String?,
        cgroupDriver: String?,
        memoryLimit: Bool?,
        swapLimit: Bool?,
        isRootless: Bool,
        mirrors: [String],
        initProgram: InitProgram?,
        dataRoot: String,
        dataRootSpace: DataRootSpace,
        clockOffset: Duration?
    ) {
        self.operatingSystem = operatingSystem
        self.storageDriver = storageDriver
        self.cgroupVersion = cgroupVersion
        self.cgroupDriver = cgroupDriver
        self.memoryLimit = memoryLimit
        self.swapLimit = swapLimit
        self.isRootless = isRootless
        self.mirrors = mirrors
        self.initProgram = initProgram
        self.dataRoot = dataRoot
        self.dataRootSpace = dataRootSpace
        self.clockOffset = clockOffset
    }

    /// Whether the engine runs on this machine, so that files and programs seen here are the engine's too.
    package var isHere: Bool {
        switch dataRootSpace {
        case .measured, .unreadable: true
        case .elsewhere: false
        }
    }
}

/// The program that the engine puts before a container's own as its first process.
package struct InitProgram: Hashable, Sendable {
    /// As the engine's configuration names it.
    package var name: String
    /// Where it is on this machine, if it is.
    package var path: String?

    package init(name: String, path: String?) {
        self.name = name
        self.path = path
    }
}

/// The file system that holds the engine's images and containers, as seen from here.
package enum DataRootSpace: Hashable, Sendable {
    case measured(DiskSpace)
    /// It is on this machine, but can't be looked at, for this reason.
    case unreadable(String)
    /// The engine is on another machine, or in a virtual machine on this one.
    case elsewhere
}

/// What is free on a file system.
package struct DiskSpace: Hashable, Sendable {
    package var free: ByteCount
    package var total: ByteCount
    package var freeInodes: UInt64
    /// 0 where the file system has no fixed number of inodes, such as btrfs.
    package var totalInodes: UInt64

    package init(free: ByteCount, total: ByteCount, freeInodes: UInt64, totalInodes: UInt64) {
        self.free = free
        self.total = total
        self.freeInodes = freeInodes
        self.totalInodes = totalInodes
    }
}

/// What is on this machine.
package struct MachineFacts: Hashable, Sendable {
    /// Where the programs that were looked for are; those that are missing have no entry.
    package var programs: [String: String]
    /// Whether systemd manages the services here.
    package var hasSystemd: Bool
    /// Whether something is at the default socket's path.
    package var hasDefaultSocket: Bool
    /// The variables that are set of those that choose the engine or how it is spoken to.
    package var engineVariables: [String]
    /// Whether the command line names the engine.
    package var hasHostOption: Bool

    package init(
        programs: [String: String],
        hasSystemd: Bool,
        hasDefaultSocket: Bool,
        engineVariables: [String],
        hasHostOption: Bool
    ) {
        self.programs = programs
        self.hasSystemd = hasSystemd
        self.hasDefaultSocket = hasDefaultSocket
        self.engineVariables = engineVariables
        self.hasHostOption = hasHostOption
    }
}

/// Whether Roost can write to a folder that it makes when it needs it.
package struct FolderFacts: Hashable, Sendable {
    package var path: String
    /// Why nothing can be written there, and which existing path is at fault; `nil` where it can.
    package var obstacle: Obstacle?

    package struct Obstacle: Hashable, Sendable {
        /// The folder itself, or the nearest one above that exists.
        package var path: String
        package var kind: Kind

        package enum Kind: Hashable, Sendable {
            case notPermitted
            case readOnlyFileSystem
            case notAFolder
            case other(String)
        }

        package init(path: String, kind: Kind) {
            self.path = path
            self.kind = kind
        }
    }

    package init(path: String, obstacle: Obstacle? = nil) {
        self.path = path
        self.obstacle = obstacle
    }
}

/// How Docker's `config.json` gets at logins.
package enum LoginFacts: Hashable, Sendable {
    /// The file can't be read or understood: its path, and what is wrong.
    case damaged(path: String, problem: String)
    /// The credential helpers that the file names, and those of them that are not installed.
    case read(path: String, helpers: [String], missing: [String])
}
