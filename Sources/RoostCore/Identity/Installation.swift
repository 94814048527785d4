package import Foundation

/// The UUID that marks what this installation of Roost made, kept in the state folder.
package struct Installation: Hashable, Sendable {
    package let id: String

    package init(id: String) {
        self.id = id
    }

    /// The installation's id can't be read or made.
    package struct Unavailable: Error, CustomStringConvertible {
        package let file: String
        package let cause: any Error

        package var description: String {
            "Roost can't keep its installation id in \(file) (\(FileErrorCause.text(of: cause))); make the folder writable, "
                + "or set ROOST_HOME to one that is"
        }
    }

    /// Reads the id, making one where there is none yet.
    ///
    /// Two processes that make it at once end up with the same: the file is written aside and linked into place, and the
    /// first link wins.
    ///
    /// - Parameter folder: The state folder; made where it is missing.
    /// - Returns: The installation.
    /// - Throws: ``Unavailable`` where the folder can't be written.
    package static func load(from folder: URL) throws(Unavailable) -> Installation {
        let file = folder.appending(path: "installation")
        if let existing = read(file) { return existing }
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            let id = UUID().uuidString.lowercased()
            let draft = folder.appending(path: "installation.\(id)")
            try Data((id + "\n").utf8).write(to: draft)
            defer { try? FileManager.default.removeItem(at: draft) }
            do {
                try FileManager.default.linkItem(at: draft, to: file)
            } catch {
                if let winner = read(file) { return winner }
                // What is there is no id: a file cut by a full disk. It is replaced.
                try FileManager.default.removeItem(at: file)
                try FileManager.default.linkItem(at: draft, to: file)
            }
            return Installation(id: id)
        } catch {
            throw Unavailable(file: file.path(percentEncoded: false), cause: error)
        }
    }

    private static func read(_ file: URL) -> Installation? {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        let id = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return UUID(uuidString: id) == nil ? nil : Installation(id: id)
    }
}
