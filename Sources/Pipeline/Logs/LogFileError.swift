import Foundation

/// A raw log can't be kept.
package enum LogFileError: Error, Hashable, CustomStringConvertible {
    /// A symbolic link is where Roost would write: following it could overwrite a file outside the project.
    case linkInTheWay(path: String)
    /// Something other than a folder is where Roost needs one.
    case notAFolder(path: String)
    /// A file of this name is there already: two runs would mix.
    case exists(path: String)
    /// The disk or the user's quota is full.
    case diskFull(path: String)
    /// Any other refusal by the operating system, with its `errno`.
    case system(operation: String, path: String, errno: Int32)
    /// The file was written to after it was closed.
    case closed(path: String)

    package var description: String {
        switch self {
        case .linkInTheWay(let path):
            "\(path) is a symbolic link: Roost keeps logs only in folders of its own; remove the link"
        case .notAFolder(let path):
            "\(path) is not a folder: Roost keeps logs there; move it out of the way"
        case .exists(let path):
            "\(path) is there already: a log is never written over"
        case .diskFull(let path):
            "no space left for the log \(path): free some, or the end of the log is lost"
        case .system(let operation, let path, let code):
            "can't \(operation) \(path): \(String(cString: strerror(code)))" + Self.advice(code)
        case .closed(let path):
            "the log \(path) is closed"
        }
    }

    private static func advice(_ code: Int32) -> String {
        switch code {
        case EACCES, EPERM, EROFS:
            "; the logs of a run are kept in the project folder, which has to be yours to write to"
        default: ""
        }
    }

    /// The error for a failed call, told apart by its `errno`.
    static func from(_ code: Int32, _ operation: String, _ path: String) -> LogFileError {
        switch code {
        case ELOOP: .linkInTheWay(path: path)
        case ENOTDIR: .notAFolder(path: path)
        case EEXIST: .exists(path: path)
        case ENOSPC, EDQUOT: .diskFull(path: path)
        default: .system(operation: operation, path: path, errno: code)
        }
    }
}
