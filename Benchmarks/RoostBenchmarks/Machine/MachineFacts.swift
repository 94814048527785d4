import Foundation

/// What a measurement was made on, without which its figures say little.
struct MachineFacts {
    let rows: [(name: String, value: String)]

    /// - Parameter workbench: The programs that are measured, with the engine's address in their environment.
    /// - Returns: The facts, with names for a table.
    /// - Throws: When one of the programs does not answer.
    static func read(_ workbench: Workbench) async throws -> MachineFacts {
        let (docker, roost) = (workbench.docker, workbench.roost)
        let compose = try await workbench.program("docker-compose")
        let engine = try await docker("version", "--format", "{{.Server.Version}}").output()
        let info = try await docker("info", "--format", "{{.Driver}}, cgroup v{{.CgroupVersion}}").output()
        return MachineFacts(rows: [
            ("processor", "\(ProcessInfo.processInfo.activeProcessorCount) cores, \(processor)"),
            ("memory", "\(ProcessInfo.processInfo.physicalMemory >> 20) MiB"),
            ("kernel", text(of: "/proc/sys/kernel/osrelease") ?? "unknown"),
            ("system", system),
            ("engine", "\(trimmed(engine)), \(trimmed(info))"),
            ("Docker's command line", trimmed(try await docker("--version").output())),
            ("Docker Compose", trimmed(try await compose("--version").output())),
            (
                "Roost",
                "\(trimmed(try await roost("--version").output())), \(workbench.isQuick ? "debug" : "release") build"
            ),
        ])
    }

    /// How many processes wanted to run, on average over the last minute.
    static var load: String {
        var averages = [0.0]
        guard getloadavg(&averages, 1) == 1 else { return "unknown" }
        return averages[0].formatted(.number.precision(.fractionLength(1)))
    }

    private static var processor: String {
        let line = (text(of: "/proc/cpuinfo") ?? "").split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { trimmed(String($0)) } ?? "unknown model"
    }

    private static var system: String {
        let line = (text(of: "/etc/os-release") ?? "").split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
        return line.map { String($0.dropFirst("PRETTY_NAME=".count).replacing("\"", with: "")) } ?? "unknown"
    }

    private static func text(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { trimmed(String(decoding: $0, as: UTF8.self)) }
    }

    private static func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
}
