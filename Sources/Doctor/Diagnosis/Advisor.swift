import DockerEngine

/// The package managers that remedies speak, in the order in which they are looked for.
package enum PackageManager: String, Sendable, CaseIterable {
    case apt = "apt-get"
    case dnf
    case zypper
    case pacman
    case apk
    case brew

    func install(_ name: String) -> String {
        switch self {
        case .apt: "sudo apt-get install \(name)"
        case .dnf: "sudo dnf install \(name)"
        case .zypper: "sudo zypper install \(name)"
        case .pacman: "sudo pacman -S \(name)"
        case .apk: "sudo apk add \(name)"
        case .brew: "brew install \(name)"
        }
    }

    var dockerPackage: String {
        switch self {
        case .apt: "docker.io"
        case .dnf: "moby-engine"
        case .zypper, .pacman, .apk: "docker"
        case .brew: "--cask docker-desktop"
        }
    }
}

/// Words commands as they work on this machine.
struct Advisor {
    let machine: MachineFacts
    /// Whether the engine is one of the user's own services.
    let isRootless: Bool
    private let isPodman: Bool
    private let endpoint: EngineEndpoint?

    init(facts: HostFacts) {
        machine = facts.machine
        isPodman = facts.engine.identity?.isPodman ?? false
        endpoint = facts.engine.place?.endpoint
        var isRootless = false
        if case .unix(let path) = endpoint?.address { isRootless = path.hasPrefix("/run/user/") }
        if case .answering(_, _, let engine) = facts.engine { isRootless = engine.isRootless }
        self.isRootless = isRootless
    }

    /// Whether the engine is the one that this machine's service manager knows: one that somebody started by hand at a
    /// socket of its own is not, and a command must not stop another engine in its stead.
    var managesEngine: Bool {
        guard let endpoint, !isRootless, !isPodman else { return true }
        return [EngineEndpoint.defaultSocket, EngineEndpoint(address: .unix(path: "/run/docker.sock"))].contains(
            endpoint
        )
    }

    /// What is to be said beside a remedy that changes the engine's configuration.
    var restartNote: String {
        if let endpoint, !endpoint.isLocal { return "; on the engine's machine, and then restart the engine" }
        return managesEngine ? "" : "; then restart the engine"
    }

    var packageManager: PackageManager {
        PackageManager.allCases.first { machine.programs[$0.rawValue] != nil } ?? .apt
    }

    func install(_ name: String) -> Remedy.Step { .command(packageManager.install(name)) }

    /// Starts, stops or restarts the engine.
    func service(_ action: String) -> Remedy.Step {
        let name = isPodman ? "podman" : "docker"
        if machine.hasSystemd {
            return .command(isRootless ? "systemctl --user \(action) \(name)" : "sudo systemctl \(action) \(name)")
        }
        return .command("sudo service \(name) \(action)")
    }

    /// Restarts the engine, where this machine's service manager can.
    var restart: [Remedy.Step] { managesEngine ? [service("restart")] : [] }

    /// Shows the engine's last words.
    var showLog: Remedy.Step {
        guard machine.hasSystemd else { return .command("sudo tail -n 50 /var/log/docker.log") }
        return .command(isRootless ? "journalctl --user -u docker -n 50" : "sudo journalctl -u docker -n 50")
    }

    /// A line of the engine's configuration, in force after a restart.
    func daemonSetting(_ advice: String, _ line: String) -> Remedy {
        Remedy(advice + restartNote, .line(line, file: daemonFile), then: restart)
    }

    /// Its full path is known of the machine's own engine alone.
    var daemonFile: String {
        guard managesEngine else { return "daemon.json" }
        return isRootless ? "~/.config/docker/daemon.json" : "/etc/docker/daemon.json"
    }

    /// Goes back to the engine that is used when nothing names another.
    func useDefaultEngine() -> Remedy.Step {
        if machine.hasHostOption { return .command("roost doctor") }
        guard !machine.engineVariables.isEmpty else { return .command("docker context use default") }
        return .command("unset " + machine.engineVariables.joined(separator: " "))
    }

    /// Asks the engine with another program than Roost.
    func probe(_ endpoint: EngineEndpoint) -> Remedy.Step {
        switch endpoint.address {
        case .unix(let path):
            return .command("curl -sS -m 5 --unix-socket \(ShellWord.quote(path)) http://docker/_ping")
        case .tcp(let host, let port):
            let authority = ShellWord.quote("\(host.contains(":") ? "[\(host)]" : host):\(port)")
            guard let tls = endpoint.tls else { return .command("curl -sS -m 5 http://\(authority)/_ping") }
            let folder = ShellWord.quote(tls.certificateFolder)
            return .command(
                "curl -sS -m 5 --cacert \(folder)/ca.pem --cert \(folder)/cert.pem --key \(folder)/key.pem "
                    + "https://\(authority)/_ping"
            )
        }
    }
}

/// Words for a shell.
enum ShellWord {
    /// The text as one word of a shell's command, in single quotes where it needs them.
    static func quote(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "/._-:+@%,[]".utf8.contains(byte)
                }
            }
        return isPlain
            ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
