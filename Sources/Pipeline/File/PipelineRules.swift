import RoostCore

/// What texts of a pipeline file may be. Each check returns what is wrong, or `nil`.
enum PipelineRules {
    /// The longest name of a pipeline, stage or step, in bytes of UTF-8: names become parts of log paths and labels.
    static let longestName = 128

    /// The most steps of a stage, the instances of its matrices included.
    static let mostSteps = 10_000

    /// The most needs of a stage's steps together, each instance of a matrix counted: a thousand that need a thousand are
    /// a mistake, or meant to do harm.
    static let mostNeeds = 100_000

    /// The longest value of a matrix, in bytes of UTF-8: each may be put in thousands of places.
    static let longestMatrixValue = 1024

    /// What the values of matrices may make of a file's texts, in bytes.
    static let mostFilledBytes = 16 << 20

    /// More is a loop that should be in the command.
    static let mostRetries = 100

    /// moby refuses less at a container's creation (`linuxMinMemory` in `daemon/daemon_unix.go`).
    static let leastMemory = ByteCount.mebibytes(6)

    /// A name of a pipeline, stage or step: any script and any punctuation, but nothing invisible, and nothing that is a
    /// path by itself.
    static func problem(inName name: String) -> String? {
        if name.isEmpty { return "a name cannot be empty" }
        if name.utf8.count > longestName {
            return "a name can have at most \(longestName) bytes; this one has \(name.utf8.count)"
        }
        guard name.unicodeScalars.allSatisfy(PrintableText.isPrintable) else {
            return "a name cannot hold control characters or invisible ones: \(PrintableText.quoted(name))"
        }
        if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
            return "a name cannot start or end with a blank: \(PrintableText.quoted(name))"
        }
        if name == "." || name == ".." { return "\"\(name)\" cannot be a name" }
        return nil
    }

    /// `user`, `uid`, `user:group`, `uid:gid`: what the engine takes as `User`.
    static func problem(inUser user: String) -> String? {
        let parts = user.split(separator: ":", omittingEmptySubsequences: false)
        let explanation = "expected a user such as \"1000\", \"1000:1000\" or \"node\", found the string "
        guard (1...2).contains(parts.count), parts.allSatisfy({ isUserOrGroup(String($0)) }) else {
            return explanation + PrintableText.quoted(user, limit: 40)
        }
        return nil
    }

    /// A number that the kernel and runc take (0 to 2³¹ − 1), or a name as `useradd` allows it, capitals included.
    private static func isUserOrGroup(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
        if text.utf8.allSatisfy(isDigit) { return Int32(text) != nil }
        return first != UInt8(ascii: "-") && first != UInt8(ascii: ".")
            && text.utf8.allSatisfy { isWordByte($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    /// Where the project folder is mounted.
    static func problem(inWorkdir path: String) -> String? {
        let parts = path.split(separator: "/")
        if !path.hasPrefix("/") { return "expected an absolute path such as \"/workspace\", found \(quoted(path))" }
        if parts.isEmpty { return "the project folder cannot be mounted over the container's root" }
        if parts.contains("..") || parts.contains(".") {
            return "expected a path without \".\" and \"..\", found \(quoted(path))"
        }
        // The engine's `source:target:options` form gives the colon a meaning.
        if path.contains(":") || !path.unicodeScalars.allSatisfy(PrintableText.isPrintable) || path.utf8.count > 1024 {
            return "expected a path of at most 1024 bytes without colons and control characters, found \(quoted(path))"
        }
        return nil
    }

    /// A variable's name, as an entry of the engine's `Env` can hold it. The value is never part of a message.
    static func problem(inVariable name: String) -> String? {
        if name.isEmpty { return "a variable's name cannot be empty" }
        guard !name.contains("="), name.unicodeScalars.allSatisfy({ PrintableText.isPrintable($0) }),
            !name.contains(where: \.isWhitespace)
        else {
            return "a variable's name cannot hold \"=\", blanks or control characters"
        }
        return nil
    }

    private static func quoted(_ text: String) -> String { PrintableText.quoted(text, limit: 60) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: isDigit(byte)
        }
    }
}
