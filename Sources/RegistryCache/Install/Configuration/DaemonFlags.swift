/// What dockerd was given on its command line.
package struct DaemonFlags: Hashable, Sendable {
    /// The configuration's keys that are given as flags: dockerd refuses a file that has one of them too (moby,
    /// `daemon/config/config.go`, `findConfigurationConflicts`).
    package let keys: Set<String>
    /// The path after `--config-file`; `nil` where dockerd uses its own default.
    package let configurationFile: String?

    /// Flags whose key in the file has another name. Runtimes may be given in both places.
    private static let names = [
        "registry-mirror": "registry-mirrors", "host": "hosts", "label": "labels", "dns-opt": "dns-opts",
        "insecure-registry": "insecure-registries", "exec-opt": "exec-opts", "storage-opt": "storage-opts",
        "log-opt": "log-opts", "authorization-plugin": "authorization-plugins",
        "default-address-pool": "default-address-pools", "default-ulimit": "default-ulimits",
        "node-generic-resource": "node-generic-resources", "cluster-store-opt": "cluster-store-opts",
    ]
    private static let letters: [Character: String] = [
        "H": "hosts", "D": "debug", "l": "log-level", "G": "group", "b": "bridge", "g": "graph", "s": "storage-driver",
        "p": "pidfile",
    ]
    /// Letters that take no value, after which another letter may follow.
    private static let switches: Set<Character> = ["D"]

    /// - Parameter arguments: The command line without the program.
    package init(arguments: [String]) {
        var keys: Set<String> = []
        var file: String?
        for (index, argument) in arguments.enumerated() {
            if argument == "--" { break }
            if argument.hasPrefix("--") {
                let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let name = String(parts[0])
                keys.insert(Self.names[name] ?? name)
                guard name == "config-file" else { continue }
                file =
                    parts.count == 2
                    ? String(parts[1]) : index + 1 < arguments.count ? arguments[index + 1] : nil
            } else if argument.hasPrefix("-") {
                for letter in argument.dropFirst() {
                    if let key = Self.letters[letter] { keys.insert(key) }
                    guard Self.switches.contains(letter) else { break }
                }
            }
        }
        self.keys = keys.subtracting(["config-file"])
        configurationFile = file
    }
}
