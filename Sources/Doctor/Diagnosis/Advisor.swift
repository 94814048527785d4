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
    private let isRootless: Bool
    private let isPodman: Bool

    init(facts: HostFacts) {
        machine = facts.machine
        isPodman = facts.engine.identity?.isPodman ?? false
        if case .answering(_, _, let engine) = facts.engine {
            isRootless = engine.isRootless
        } else {
            isRootless = false
        }
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

    /// Shows the engine's last words.
    var showLog: Remedy.Step {
        machine.hasSystemd
            ? .command("sudo journalctl -u docker -n 50") : .command("sudo tail -n 50 /var/log/docker.log")
    }

    /// A line of the engine's configuration, in force after a restart.
    func daemonSetting(_ line: String) -> [Remedy.Step] {
        [.line(line, file: daemonFile), service("restart")]
    }

    var daemonFile: String { isRootless ? "~/.config/docker/daemon.json" : "/etc/docker/daemon.json" }

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
