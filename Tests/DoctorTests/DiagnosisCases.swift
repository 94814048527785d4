import RoostCore

@testable import Doctor
@testable import DockerEngine

private let gibibyte: Int64 = 1 << 30
private let restart = Remedy.Step.command("sudo systemctl restart docker")
private let daemonFile = "/etc/docker/daemon.json"

/// One fact spoiled of an engine that answers.
let spoiledEngines: [DiagnosisCase] = [
    .init("vfs", .engine { $0.storageDriver = "vfs" }, .storageDriver, .warn, restart),
    .init(
        "devicemapper",
        .engine { $0.storageDriver = "devicemapper" },
        .storageDriver,
        .warn,
        .line("\"storage-driver\": \"overlay2\"", file: daemonFile)
    ),
    .init("aufs", .engine { $0.storageDriver = "aufs" }, .storageDriver, .warn),
    .init("Docker's first overlay", .engine { $0.storageDriver = "overlay" }, .storageDriver, .warn),
    .init("Podman's overlay", .podman { $0.storageDriver = "overlay" }, .storageDriver, .ok),
    .init("containerd's overlayfs", .engine { $0.storageDriver = "overlayfs" }, .storageDriver, .ok),
    .init("no memory limit", .engine { $0.memoryLimit = false }, .memoryLimit, .fail),
    .init(
        "no swap limit on cgroup v1",
        .engine { engine in
            engine.cgroupVersion = "1"
            engine.swapLimit = false
        },
        .swapLimit,
        .warn,
        .line("GRUB_CMDLINE_LINUX=\"cgroup_enable=memory swapaccount=1\"", file: "/etc/default/grub")
    ),
    .init(
        "a rootless engine that was handed no controllers",
        .engine { engine in
            engine.isRootless = true
            engine.memoryLimit = false
        },
        .memoryLimit,
        .fail,
        .line("Delegate=cpu cpuset io memory pids", file: "/etc/systemd/system/user@.service.d/delegate.conf")
    ),
    .init(
        "a rootless engine on cgroup v1",
        .engine { engine in
            engine.isRootless = true
            engine.cgroupVersion = "1"
            engine.memoryLimit = false
        },
        .memoryLimit,
        .fail,
        .line("GRUB_CMDLINE_LINUX=\"systemd.unified_cgroup_hierarchy=1\"", file: "/etc/default/grub")
    ),
    .init(
        "no mirror",
        .engine { $0.mirrors = [] },
        .mirror,
        .warn,
        .line("\"registry-mirrors\": [\"http://127.0.0.1:5000\"]", file: daemonFile)
    ),
    .init(
        "no mirror for a rootless engine",
        .engine { engine in
            engine.isRootless = true
            engine.mirrors = []
        },
        .mirror,
        .warn,
        .command("systemctl --user restart docker")
    ),
    .init("14 % free", .disk(.bytes(free: 140 * gibibyte, of: 1000 * gibibyte)), .diskSpace, .warn),
    .init("15 % free", .disk(.bytes(free: 150 * gibibyte, of: 1000 * gibibyte)), .diskSpace, .ok),
    .init("9 GiB of 20", .disk(.bytes(free: 9 * gibibyte, of: 20 * gibibyte)), .diskSpace, .warn),
    .init("5 % free", .disk(.bytes(free: 50 * gibibyte, of: 1000 * gibibyte)), .diskSpace, .warn),
    .init("4 % free", .disk(.bytes(free: 49 * gibibyte, of: 1000 * gibibyte)), .diskSpace, .fail),
    .init("less than 1 GiB of 4", .disk(.bytes(free: gibibyte - 1, of: 4 * gibibyte)), .diskSpace, .fail),
    .init("a disk of no size", .disk(.bytes(free: 0, of: 0)), .diskSpace, .fail),
    .init("14 % of inodes", .disk(.inodes(free: 14, of: 100)), .diskInodes, .warn),
    .init("4 % of inodes", .disk(.inodes(free: 4, of: 100)), .diskInodes, .fail),
    .init("no fixed number of inodes", .disk(.inodes(free: 0, of: 0)), .diskInodes, .ok),
    .init(
        "a data root that can't be looked at",
        .engine { $0.dataRootSpace = .unreadable("Permission denied") },
        .diskSpace,
        .warn,
        .command("sudo df -h /var/lib/docker")
    ),
    .init(
        "no init program",
        .engine { $0.initProgram?.path = nil },
        .initProgram,
        .fail,
        .command("sudo apt-get install tini")
    ),
    .init("a clock behind", .engine { $0.clockOffset = .seconds(-90) }, .clock, .warn),
    .init("a clock ahead", .engine { $0.clockOffset = .seconds(5) }, .clock, .warn),
    .init("a clock a little ahead", .engine { $0.clockOffset = .seconds(4.9) }, .clock, .ok),
    .init("an engine elsewhere", .engine { $0.dataRootSpace = .elsewhere }, .place, .warn),
    .init(
        "Docker Desktop",
        .engine { engine in
            engine.operatingSystem = "Docker Desktop"
            engine.dataRootSpace = .elsewhere
        },
        .place,
        .ok
    ),
    .init(
        "a socket open to all",
        .place(.unix(path: "/run/my docker.sock"), socket: SocketFacts(owner: "root", group: "root", mode: 0o666)),
        .connection,
        .warn,
        .command("sudo chmod o-rwx '/run/my docker.sock'")
    ),
    .init("plain tcp within the machine", .place(.tcp(host: "127.0.0.1", port: 2375)), .connection, .ok),
    .init("plain tcp", .place(.tcp(host: "10.0.0.5", port: 2375)), .connection, .warn),
    .init(
        "TLS that checks nothing",
        .place(
            .tcp(host: "10.0.0.5", port: 2376),
            tls: EngineTLS(certificateFolder: "/certs", verifiesEngine: false)
        ),
        .connection,
        .warn,
        .command("export DOCKER_TLS_VERIFY=1")
    ),
    .init(
        "TLS",
        .place(.tcp(host: "10.0.0.5", port: 2376), tls: EngineTLS(certificateFolder: "/certs", verifiesEngine: true)),
        .connection,
        .ok
    ),
]

extension HostFacts {
    fileprivate static func disk(_ space: DiskSpace) -> HostFacts { .engine { $0.dataRootSpace = .measured(space) } }
}

/// One fact spoiled of this machine.
let spoiledMachines: [DiagnosisCase] = [
    .init(
        "no unpigz",
        .spoiled { $0.machine.programs["unpigz"] = nil },
        .unpigz,
        .warn,
        .command("sudo apt-get install pigz")
    ),
    .init(
        "no unpigz, another package manager, no systemd",
        .spoiled { facts in
            facts.machine.programs = ["apk": "/sbin/apk"]
            facts.machine.hasSystemd = false
        },
        .unpigz,
        .warn,
        .command("sudo apk add pigz")
    ),
    .init(
        "a missing credential helper",
        .spoiled { $0.logins = .read(path: "/c/config.json", helpers: ["pass"], missing: ["pass"]) },
        .logins,
        .warn,
        .line("\"credsStore\": \"\"", file: "/c/config.json")
    ),
    .init(
        "a damaged config.json",
        .spoiled { $0.logins = .damaged(path: "/c/config.json", problem: "it is damaged") },
        .logins,
        .fail,
        .command("docker login")
    ),
    .init(
        "a state folder that is root's",
        .spoiled { facts in
            let path = facts.stateFolder.path
            facts.stateFolder.obstacle = .init(path: path, kind: .notPermitted)
        },
        .stateFolder,
        .fail,
        .command("sudo chown \"$USER\" /home/me/.local/state/roost")
    ),
    .init(
        "a state folder that can't be made",
        .spoiled { $0.stateFolder = FolderFacts(path: "/var/x", obstacle: .init(path: "/var", kind: .notPermitted)) },
        .stateFolder,
        .fail,
        .command("sudo install -d -o \"$USER\" -m 700 /var/x")
    ),
    .init(
        "a state folder on a read-only file system",
        .spoiled { $0.stateFolder.obstacle = .init(path: "/home", kind: .readOnlyFileSystem) },
        .stateFolder,
        .fail,
        .command("export ROOST_HOME=\"$HOME/.roost\"")
    ),
    .init(
        "a project on a read-only file system",
        .spoiled { $0.logFolder.obstacle = .init(path: "/home/me/project", kind: .readOnlyFileSystem) },
        .logFolder,
        .fail
    ),
    .init(
        "a file in the logs' place",
        .spoiled { $0.logFolder.obstacle = .init(path: "/home/me/project/.roost", kind: .notAFolder) },
        .logFolder,
        .fail,
        .command("mv /home/me/project/.roost /home/me/project/.roost.aside")
    ),
    .init(
        "a folder that the system refuses",
        .spoiled { $0.logFolder.obstacle = .init(path: "/p", kind: .other("Input/output error")) },
        .logFolder,
        .fail,
        .command("ls -ld /p")
    ),
]

/// Engines that can't be used.
let brokenEngines: [DiagnosisCase] = [
    .init(
        "no socket",
        .unusable(.socketMissing(path: "/var/run/docker.sock")) { $0.machine.hasDefaultSocket = false },
        .engine,
        .fail,
        .command("sudo systemctl start docker")
    ),
    .init(
        "no socket and no engine",
        .unusable(.socketMissing(path: "/var/run/docker.sock")) { $0.machine.programs = ["dnf": "/usr/bin/dnf"] },
        .engine,
        .fail,
        .command("sudo dnf install moby-engine")
    ),
    .init(
        "no socket where DOCKER_HOST says, but one at the default place",
        .unusable(.socketMissing(path: "/gone.sock")) { facts in
            facts.engine = .unusable(.gone, .socketMissing(path: "/gone.sock"))
            facts.machine.engineVariables = ["DOCKER_HOST"]
        },
        .engine,
        .fail,
        .command("unset DOCKER_HOST")
    ),
    .init(
        "no permission",
        .unusable(.permissionDenied(path: "/var/run/docker.sock")),
        .engine,
        .fail,
        .command("sudo usermod -aG docker \"$USER\"")
    ),
    .init(
        "no permission, and no group that has it",
        .unusable(.permissionDenied(path: "/s.sock")) { facts in
            let socket = SocketFacts(owner: "root", group: "root", mode: 0o660)
            let place = EnginePlace(endpoint: .defaultSocket, source: "default socket", socket: socket)
            facts.engine = .unusable(place, .permissionDenied(path: "/s.sock"))
        },
        .engine,
        .fail,
        .command("sudo chgrp docker /s.sock && sudo chmod 660 /s.sock")
    ),
    .init(
        "refused",
        .unusable(.connectionRefused(endpoint: "unix:///var/run/docker.sock")),
        .engine,
        .fail,
        .command("sudo systemctl start docker")
    ),
    .init(
        "no answer",
        .unusable(.timedOut(operation: "ping the engine", limit: .seconds(8))),
        .engine,
        .fail,
        restart
    ),
    .init(
        "another machine that does not answer",
        .unusable(.timedOut(operation: "ping the engine", limit: .seconds(8))) { facts in
            let endpoint = EngineEndpoint(address: .tcp(host: "10.0.0.5", port: 2375))
            facts.engine = .unusable(
                EnginePlace(endpoint: endpoint, source: "DOCKER_HOST"),
                .timedOut(operation: "ping the engine", limit: .seconds(8))
            )
        },
        .engine,
        .fail,
        .command("curl -sS -m 5 http://10.0.0.5:2375/_ping")
    ),
    .init(
        "something else than an engine",
        .unusable(.invalidAnswer(operation: "ping the engine", detail: "it names no API version")),
        .engine,
        .fail,
        .command("curl -sS -m 5 --unix-socket /var/run/docker.sock http://docker/_ping")
    ),
    .init(
        "an engine that tells nothing about itself",
        .spoiled { facts in
            facts.engine = .silent(.healthy, .healthy, .timedOut(operation: "read the facts", limit: .seconds(8)))
        },
        .engine,
        .fail,
        restart
    ),
    .init(
        "an engine that is too old",
        .unusable(.unsupportedVersion(.oldEngine)),
        .apiVersion,
        .fail,
        .command("sudo apt-get install docker.io")
    ),
    .init(
        "a version asked for that the engine lacks",
        .unusable(.unsupportedVersion(.wrongRequest)),
        .apiVersion,
        .fail,
        .command("unset DOCKER_API_VERSION")
    ),
    .init(
        "an engine that is too new",
        .unusable(.unsupportedVersion(.newEngine)),
        .apiVersion,
        .fail,
        .command("git pull && make install")
    ),
    .init(
        "a bad address",
        .spoiled { facts in
            facts.engine = .misconfigured(.badAddress("tcp", reason: "it has no scheme"))
            facts.machine.engineVariables = ["DOCKER_HOST", "DOCKER_CERT_PATH"]
        },
        .engine,
        .fail,
        .command("unset DOCKER_HOST DOCKER_CERT_PATH")
    ),
    .init(
        "a bad address on the command line",
        .spoiled { facts in
            facts.engine = .misconfigured(.badAddress("tcp", reason: "it has no scheme"))
            facts.machine.hasHostOption = true
        },
        .engine,
        .fail,
        .command("roost doctor")
    ),
    .init(
        "a context that is gone",
        .spoiled { $0.engine = .misconfigured(.badConfiguration("there is no Docker context 'x'")) },
        .engine,
        .fail,
        .command("docker context use default")
    ),
    .init(
        "a configuration that can't be read",
        .spoiled { facts in
            facts.engine = .misconfigured(.badConfiguration("config.json can't be read"))
            facts.logins = .damaged(path: "/c/config.json", problem: "it is damaged")
        },
        .engine,
        .fail,
        .command("mv /c/config.json /c/config.json.damaged")
    ),
]

extension EnginePlace {
    fileprivate static let gone = EnginePlace(
        endpoint: EngineEndpoint(address: .unix(path: "/gone.sock")),
        source: "DOCKER_HOST"
    )
}

extension VersionMismatch {
    fileprivate static let oldEngine = VersionMismatch(
        engineNewest: APIVersion(major: 1, minor: 38),
        engineOldest: nil,
        requested: nil
    )
    fileprivate static let newEngine = VersionMismatch(
        engineNewest: APIVersion(major: 2, minor: 9),
        engineOldest: APIVersion(major: 2, minor: 1),
        requested: nil
    )
    fileprivate static let wrongRequest = VersionMismatch(
        engineNewest: APIVersion(major: 1, minor: 41),
        engineOldest: APIVersion(major: 1, minor: 12),
        requested: APIVersion(major: 1, minor: 52)
    )
}
