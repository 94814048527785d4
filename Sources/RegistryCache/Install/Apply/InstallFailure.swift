import Foundation

/// Something could not be looked at or done. A file that it concerns is as it was before.
package enum InstallFailure: Error, Hashable, CustomStringConvertible {
    case unreadable(String, errno: Int32)
    case unwritable(String, errno: Int32)
    case tooLong(String)
    case changedMeanwhile(String)
    case daemonGone
    case refusedByDaemon(String, said: String)
    case notTaken(listed: [MirrorURL], isPutBack: Bool)
    case command([String], said: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let code): "\(path) can't be read: \(Self.text(code))"
        case .unwritable(let path, let code): "\(path) can't be written: \(Self.text(code))"
        case .tooLong(let path): "\(path) is longer than a configuration may be (1 MiB)"
        case .changedMeanwhile(let path): "\(path) was changed by somebody else just now: call again"
        case .daemonGone: "dockerd has ended, or was started again, just now: call again"
        case .refusedByDaemon(let path, let said):
            "dockerd would not accept the new \(path), which is left as it is: \(said)"
        case .notTaken(let listed, let isPutBack):
            "dockerd was told to read its file again and did not take the mirrors in it (it uses "
                + (listed.isEmpty ? "none" : listed.map(\.text).joined(separator: ", ")) + "); "
                + (isPutBack ? "the file is put back as it was. " : "")
                + "Its log says why: journalctl -u docker"
        case .command(let command, let said): "'\(command.joined(separator: " "))' failed: \(said)"
        }
    }

    private static func text(_ code: Int32) -> String {
        String(cString: strerror(code)) + (code == EACCES || code == EPERM ? "; call as root" : "")
    }
}
