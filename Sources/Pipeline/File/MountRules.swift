import RoostCore

/// What the parts of a mount may be.
enum MountRules {
    struct Problem: Error {
        let message: String

        init(_ message: String) { self.message = message }
    }

    private static let longestPath = 1024
    private static let longestVolume = 100

    /// Reads the form of `docker run --volume`: `SOURCE:TARGET`, `SOURCE:TARGET:ro`.
    static func mount(_ text: String) throws(Problem) -> StepMount {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts[0].isEmpty else {
            throw Problem(
                "expected a mount such as \"cargo:/root/.cargo\" or \"./data:/data:ro\", found \(quoted(text))"
            )
        }
        var isReadOnly = false
        if parts.count == 3 {
            guard ["ro", "rw"].contains(parts[2]) else {
                throw Problem("expected ro or rw behind the second colon, found \(quoted(parts[2]))")
            }
            isReadOnly = parts[2] == "ro"
        }
        let isPath = parts[0].hasPrefix(".") || parts[0].contains("/")
        return StepMount(
            source: isPath ? .path(try path(parts[0])) : .volume(try volume(parts[0])),
            target: try target(parts[1]),
            isReadOnly: isReadOnly
        )
    }

    /// A volume's name, as engines take it.
    static func volume(_ name: String) throws(Problem) -> String {
        guard let first = name.utf8.first, isAlphanumeric(first), name.utf8.count <= longestVolume,
            name.utf8.allSatisfy({ isAlphanumeric($0) || "_.-".utf8.contains($0) })
        else {
            throw Problem(
                "a volume's name has letters, digits, `_`, `.` and `-`, at most \(longestVolume), and begins with a "
                    + "letter or a digit; found \(quoted(name))"
            )
        }
        return name
    }

    /// A path in the project folder; whether links lead out of it can only be seen there.
    ///
    /// - Returns: The path with `./` in front; `.` for the project folder itself.
    static func path(_ text: String) throws(Problem) -> String {
        if text.hasPrefix("/") || text.hasPrefix("~") {
            throw Problem(
                "a step can mount what lies in the project folder, written as \"./FOLDER\", and volumes; not "
                    + quoted(text)
            )
        }
        let parts = text.split(separator: "/").filter { $0 != "." }
        guard !parts.contains(".."), !text.isEmpty, text.utf8.count <= longestPath,
            text.unicodeScalars.allSatisfy(PrintableText.isPrintable)
        else {
            throw Problem(
                "expected a path in the project folder such as \"./data\", without \"..\" and control characters, found "
                    + quoted(text)
            )
        }
        return parts.isEmpty ? "." : "./" + parts.joined(separator: "/")
    }

    /// Where something is mounted.
    ///
    /// - Returns: The path in its shortest form.
    static func target(_ text: String) throws(Problem) -> String {
        let parts = text.split(separator: "/")
        guard text.hasPrefix("/"), !parts.contains("."), !parts.contains(".."), !text.contains(":"),
            text.utf8.count <= longestPath, text.unicodeScalars.allSatisfy(PrintableText.isPrintable)
        else {
            throw Problem(
                "expected an absolute path to mount at, without \".\", \"..\", colons and control characters, found "
                    + quoted(text)
            )
        }
        let target = normal(text)
        if target == "/" { throw Problem("nothing can be mounted over the container's root") }
        for taken in ["/dev", "/proc", "/sys", "/run/secrets", "/var/run/secrets"]
        where target == taken || target.hasPrefix(taken + "/") {
            if target == "/dev/shm" { break }
            throw Problem("\(taken) is not for mounts, \(quoted(target)) neither")
        }
        return target
    }

    /// An absolute path without doubled slashes and without one at its end.
    static func normal(_ path: String) -> String { "/" + path.split(separator: "/").joined(separator: "/") }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func quoted(_ text: String) -> String { PrintableText.quoted(text, limit: 60) }
}
