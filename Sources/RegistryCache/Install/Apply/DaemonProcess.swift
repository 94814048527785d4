import Foundation
import RoostCore

/// Finds the process behind an engine's socket.
enum DaemonProcess {
    /// Where dockerd keeps its pid unless told otherwise.
    private static let pidFile = "/var/run/docker.pid"
    private static let standardSockets: Set<String> = ["/var/run/docker.sock", "/run/docker.sock"]

    /// - Parameters:
    ///   - socket: The engine's socket.
    ///   - version: What the engine says of itself.
    /// - Returns: The daemon; why it can't be one that is told, else.
    static func find(socket: String, version: String) -> Result<InstallFacts.Daemon, Unsuitable> {
        let address = "unix://" + socket
        guard let pid = pid(socket), let process = SystemProcesses().process(pid),
            let line = KernelFile.bytes(of: "/proc/\(pid)/cmdline")
        else { return .failure(Unsuitable(.unknownProcess(address))) }
        guard network(of: pid) == network(of: getpid()) else { return .failure(Unsuitable(.ownNetwork(address))) }
        let arguments = line.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        // The link's target ends in " (deleted)" once the program was replaced.
        let program = link("/proc/\(pid)/exe").flatMap { access($0, X_OK) == 0 ? $0 : nil }
        return .success(
            InstallFacts.Daemon(
                pid: pid,
                startTime: process.startTime,
                flags: DaemonFlags(arguments: Array(arguments.dropFirst().dropLast(arguments.last == "" ? 1 : 0))),
                executable: program,
                version: version
            )
        )
    }

    /// Why an engine can't be told anything.
    struct Unsuitable: Error {
        let why: InstallFacts.Unsuitable
        init(_ why: InstallFacts.Unsuitable) { self.why = why }
    }

    /// The file that the daemon reads, where it was named on the command line.
    static func namedConfiguration(_ daemon: InstallFacts.Daemon) -> String? {
        guard let file = daemon.flags.configurationFile else { return nil }
        if file.hasPrefix("/") { return file }
        return link("/proc/\(daemon.pid)/cwd").map { "\($0)/\(file)" }
    }

    /// Tells the very process that was looked at to read its file again.
    ///
    /// - Throws: ``InstallFailure/daemonGone``.
    static func reload(_ daemon: InstallFacts.Daemon) throws(InstallFailure) {
        guard let process = SystemProcesses().process(daemon.pid), process.startTime == daemon.startTime,
            isDaemon(daemon.pid), kill(daemon.pid, SIGHUP) == 0
        else { throw .daemonGone }
    }

    private static func pid(_ socket: String) -> Int32? {
        if let pid = listener(socket), isDaemon(pid) { return pid }
        // A socket that systemd has opened for dockerd is systemd's own.
        guard standardSockets.contains(socket), let text = KernelFile.text(of: pidFile),
            let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), pid > 1, isDaemon(pid)
        else { return nil }
        return pid
    }

    private static func isDaemon(_ pid: Int32) -> Bool { KernelFile.text(of: "/proc/\(pid)/comm") == "dockerd\n" }
    private static func network(of pid: Int32) -> String? { link("/proc/\(pid)/ns/net") }
    private static func link(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }

    /// The process that listens on a socket (unix(7), `SO_PEERCRED`).
    private static func listener(_ path: String) -> Int32? {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            place.copyBytes(from: path.utf8)
            return true
        }
        guard fits else { return nil }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard isConnected else { return nil }
        // struct ucred: pid, uid, gid.
        var credentials: (Int32, UInt32, UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, credentials.0 > 0 else {
            return nil
        }
        return credentials.0
    }
}
