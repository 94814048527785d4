import RoostCore

/// What went wrong with the file that Roost keeps its state in.
package enum StoreError: Error, Sendable, CustomStringConvertible {
    /// The folder can't be made or used.
    case noFolder(path: String, cause: any Error)
    /// The file is there, but this user may not write it.
    case noPermission(file: String)
    /// Somebody else held the file for longer than is waited for.
    case locked(file: String, limit: Duration, holders: [LockHolder])
    /// A newer Roost has written the file; nothing was changed in it.
    case newerSchema(file: String)
    /// Anything else that SQLite says.
    case database(file: String, cause: any Error)

    package var description: String {
        switch self {
        case .noFolder(let path, let cause):
            "Roost can't keep its state in \(path) (\(FileErrorCause.text(of: cause))); make the folder writable, or set ROOST_HOME to one that is"
        case .noPermission(let file):
            "Roost may not write its state in \(file): it belongs to another user, as after 'sudo roost'; give it back "
                + "with chown, or set ROOST_HOME to a folder of your own"
        case .locked(let file, let limit, let holders):
            "Roost's state in \(file) was locked for \(DurationText.format(limit)), by \(Self.names(holders)); end it, "
                + "or let it finish, and try again"
        case .newerSchema(let file):
            "Roost's state in \(file) was written by a newer Roost, and was left as it is; use that one, or set "
                + "ROOST_HOME to another folder"
        case .database(let file, let cause):
            "Roost's state in \(file) can't be used: \(FileErrorCause.text(of: cause)); move the file aside to start with a new one"
        }
    }

    private static func names(_ holders: [LockHolder]) -> String {
        guard !holders.isEmpty else {
            return "another roost, or a program such as sqlite3 or a backup that has it open ('fuser -v' names it)"
        }
        return holders.map { holder in
            "process \(holder.pid)" + (holder.name.map { " (\(PrintableText.oneLine($0, limit: 40)))" } ?? "")
        }.joined(separator: ", ")
    }
}
