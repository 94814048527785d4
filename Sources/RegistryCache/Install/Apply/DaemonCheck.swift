import Foundation
import RoostCore

/// Has dockerd's own program look at a configuration before it is put in place.
struct DaemonCheck {
    /// From this version on there is `dockerd --validate`.
    private static let firstToValidate = 23
    private static let patience = Duration.seconds(20)

    let program: String
    let version: String

    /// - Parameters:
    ///   - configuration: What the file would have.
    ///   - path: The file's path, for the error.
    /// - Throws: ``InstallFailure/refusedByDaemon(_:said:)`` and other failures, `CancellationError`.
    func check(_ configuration: DaemonConfiguration, for path: String) async throws {
        let folder = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appending(path: "roost-\(UUID().uuidString)").path(percentEncoded: false)
        guard mkdir(folder, 0o700) == 0 else { throw InstallFailure.unwritable(folder, errno: errno) }
        defer { tidy(folder) }
        let major = version.split(separator: ".").first.flatMap { Int($0) }
        if let major, major < Self.firstToValidate {
            try await start(configuration, path, folder)
        } else {
            try await validate(configuration, path, folder)
        }
    }

    private func validate(_ configuration: DaemonConfiguration, _ path: String, _ folder: String) async throws {
        try HostFile.replace(folder + "/daemon.json", configuration.bytes)
        let arguments = ["--validate", "--config-file", folder + "/daemon.json"]
        guard let ended = try await HostCommand.run(program, arguments, within: Self.patience) else { return }
        guard ended.isSuccess else { throw InstallFailure.refusedByDaemon(path, said: ended.said) }
    }

    /// Older ones can only be started, and are held up at once: another process holds their pid file. They fail in either
    /// case; what tells is the folder that they make once they have understood their configuration, before they look at the
    /// pid file (moby, `cmd/dockerd/daemon.go`, `start`).
    private func start(_ configuration: DaemonConfiguration, _ path: String, _ folder: String) async throws {
        let places = [("data-root", "root"), ("exec-root", "exec"), ("pidfile", "pid")]
        var sample = configuration
        var arguments = ["--config-file", folder + "/daemon.json"]
        for (key, name) in places {
            // By flag and by file at once would be an error of its own.
            guard sample.keys.contains(key) else {
                arguments += ["--\(key)", "\(folder)/\(name)"]
                continue
            }
            let value = try JSONEncoder().encode("\(folder)/\(name)")
            sample = try DaemonConfiguration(sample.setting(key, to: Array(value)))
        }
        try HostFile.replace(folder + "/daemon.json", sample.bytes)
        try HostFile.replace(folder + "/pid", Array("\(getpid())".utf8))
        guard let ended = try await HostCommand.run(program, arguments, within: Self.patience) else { return }
        guard access(folder + "/exec", F_OK) == 0 else {
            throw InstallFailure.refusedByDaemon(path, said: ended.said)
        }
    }

    private func tidy(_ folder: String) {
        // dockerd mounts its data root on itself where mounts are not shared.
        _ = umount2(folder + "/root", Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW))
        try? FileManager.default.removeItem(atPath: folder)
    }
}
