import DockerEngine
import RoostCore
import Testing

@testable import Doctor

/// Facts without anything to remark; tests spoil one of them.
extension HostFacts {
    static var healthy: HostFacts {
        HostFacts(
            engine: .answering(.healthy, .healthy, .healthy),
            machine: .healthy,
            stateFolder: FolderFacts(path: "/home/me/.local/state/roost"),
            logFolder: FolderFacts(path: "/home/me/project/.roost/runs"),
            logins: .read(path: "/home/me/.docker/config.json", helpers: [], missing: [])
        )
    }

    /// Healthy facts, but for what `spoil` changes of an engine that answers.
    static func engine(_ spoil: (inout EngineFacts) -> Void) -> HostFacts {
        var facts = healthy
        var engine = EngineFacts.healthy
        spoil(&engine)
        facts.engine = .answering(.healthy, .healthy, engine)
        return facts
    }

    static func podman(_ spoil: (inout EngineFacts) -> Void) -> HostFacts {
        var facts = healthy
        var engine = EngineFacts.healthy
        var identity = EngineIdentity.healthy
        identity.isPodman = true
        spoil(&engine)
        facts.engine = .answering(.healthy, identity, engine)
        return facts
    }

    static func place(_ address: EngineEndpoint.Address, tls: EngineTLS? = nil, socket: SocketFacts? = nil) -> HostFacts
    {
        var facts = healthy
        let place = EnginePlace(
            endpoint: EngineEndpoint(address: address, tls: tls),
            source: "DOCKER_HOST",
            socket: socket
        )
        facts.engine = .answering(place, .healthy, .healthy)
        return facts
    }

    static func unusable(_ error: EngineError, _ spoil: (inout HostFacts) -> Void = { _ in }) -> HostFacts {
        var facts = healthy
        facts.engine = .unusable(.healthy, error)
        spoil(&facts)
        return facts
    }

    static func spoiled(_ spoil: (inout HostFacts) -> Void) -> HostFacts {
        var facts = healthy
        spoil(&facts)
        return facts
    }
}

extension EnginePlace {
    static let healthy = EnginePlace(
        endpoint: .defaultSocket,
        source: "default socket",
        socket: SocketFacts(owner: "root", group: "docker", mode: 0o660)
    )
}

extension EngineIdentity {
    static let healthy = EngineIdentity(
        version: "28.3.0",
        apiVersion: APIVersion(major: 1, minor: 51),
        newestAPIVersion: APIVersion(major: 1, minor: 51),
        isPodman: false
    )
}

extension EngineFacts {
    static let healthy = EngineFacts(
        operatingSystem: "Debian GNU/Linux 13",
        storageDriver: "overlay2",
        cgroupVersion: "2",
        cgroupDriver: "systemd",
        memoryLimit: true,
        swapLimit: true,
        isRootless: false,
        mirrors: ["http://127.0.0.1:5000/"],
        initProgram: InitProgram(name: "docker-init", path: "/usr/bin/docker-init"),
        dataRoot: "/var/lib/docker",
        dataRootSpace: .measured(.healthy),
        clockOffset: .zero
    )
}

extension DiskSpace {
    static let healthy = DiskSpace(
        free: ByteCount(50 << 30),
        total: ByteCount(100 << 30),
        freeInodes: 500_000,
        totalInodes: 1_000_000
    )

    static func bytes(free: Int64, of total: Int64) -> DiskSpace {
        var space = healthy
        (space.free, space.total) = (ByteCount(free), ByteCount(total))
        return space
    }

    static func inodes(free: UInt64, of total: UInt64) -> DiskSpace {
        var space = healthy
        (space.freeInodes, space.totalInodes) = (free, total)
        return space
    }
}

extension MachineFacts {
    static let healthy = MachineFacts(
        programs: ["dockerd": "/usr/bin/dockerd", "unpigz": "/usr/bin/unpigz", "apt-get": "/usr/bin/apt-get"],
        hasSystemd: true,
        hasDefaultSocket: true,
        engineVariables: [],
        hasHostOption: false
    )
}

/// Facts, and what a check makes of them.
struct DiagnosisCase: CustomTestStringConvertible, Sendable {
    let name: String
    let facts: HostFacts
    let id: Check.ID
    let verdict: Verdict
    /// What one of the remedy's steps is.
    let step: Remedy.Step?

    init(_ name: String, _ facts: HostFacts, _ id: Check.ID, _ verdict: Verdict, _ step: Remedy.Step? = nil) {
        self.name = name
        self.facts = facts
        self.id = id
        self.verdict = verdict
        self.step = step
    }

    var testDescription: String { name }
}
