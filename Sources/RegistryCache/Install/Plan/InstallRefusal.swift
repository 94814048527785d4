/// Why nothing is changed: what is wrong, and what to do about it.
package enum InstallRefusal: Error, Hashable, CustomStringConvertible {
    case noSystemd(command: [String])
    case hiddenProgram(String)
    case foreignUnit(String)
    case engine(InstallFacts.Unsuitable)
    case engineUnreachable(String)
    case configurationElsewhere(named: String, used: String)
    case builtByNix(String)
    case configuration(String, DaemonConfiguration.Problem)
    case conflict(String, keys: [String])
    case unreadableRecord(String)

    /// A word for programs.
    package var code: String {
        switch self {
        case .noSystemd: "no_systemd"
        case .hiddenProgram: "hidden_program"
        case .foreignUnit: "foreign_unit"
        case .engine: "engine_unsuitable"
        case .engineUnreachable: "engine_unreachable"
        case .configurationElsewhere: "configuration_elsewhere"
        case .builtByNix: "built_by_nix"
        case .configuration: "bad_configuration"
        case .conflict: "flag_conflict"
        case .unreadableRecord: "unreadable_record"
        }
    }

    package var description: String {
        switch self {
        case .noSystemd(let command):
            "there is no systemd here to run the cache: have '\(command.joined(separator: " "))' started by what starts "
                + "services on this machine, with a --dir that its user may write to, then call again with --no-service"
        case .hiddenProgram(let path):
            "the unit sees no home folders and a /tmp of its own, so that it could not start \(path): install roost "
                + "outside of them, such as below /usr/local, and call it from there"
        case .foreignUnit(let path):
            "\(path) was not written by Roost: move it away, or call again with --no-service"
        case .engine(let why): why.description
        case .engineUnreachable(let why):
            "whether the engine takes the mirror can be seen only while it runs: \(why)"
        case .configurationElsewhere(let named, let used):
            "the engine reads \(used), not \(named): leave out --daemon-config"
        case .builtByNix(let path):
            "\(path) is built by Nix and can't be edited: set services.roost.cache.enable in the system's configuration"
        case .configuration(let path, let problem): "\(path) is left as it is: \(problem)"
        case .conflict(let path, let keys):
            "dockerd takes a setting by flag or by file, never both, and was given by flag "
                + keys.map { "'\($0)'" }.joined(separator: ", ")
                + ", which \(path) would have too: drop the flag where dockerd is started (systemctl edit docker), put "
                + "its value into the file, and start dockerd again"
        case .unreadableRecord(let path):
            "\(path) says what was changed, and can't be understood: see whether a later roost wrote it, else remove it"
        }
    }
}

extension InstallFacts.Unsuitable: CustomStringConvertible {
    package var description: String {
        switch self {
        case .elsewhere(let address):
            "the engine at \(address) is not reached by a socket of this machine: call roost where the engine runs"
        case .notDocker(let address):
            "the engine at \(address) is not Docker: name the mirror in its own configuration (Podman: registries.conf)"
        case .unknownProcess(let address):
            "the process of the engine at \(address) can't be found, so that it can't be told to read its file again: "
                + "call as root, in the engine's own pid namespace"
        case .ownNetwork(let address):
            "the engine at \(address) has a network of its own, as rootless engines have, from which a cache on this "
                + "machine's loopback address is not to be reached"
        }
    }
}
