import RoostCore

/// The name of an entry of a folder: any bytes but NUL and `/`.
struct EntryName: Hashable, Sendable {
    /// Ended by a NUL.
    private let terminated: [CChar]

    init(_ bytes: some Sequence<UInt8>) { terminated = bytes.map { CChar(bitPattern: $0) } + [0] }

    init(_ text: String) { self.init(text.utf8) }

    var bytes: [UInt8] { terminated.dropLast().map { UInt8(bitPattern: $0) } }

    var isHidden: Bool { terminated.first == CChar(UInt8(ascii: ".")) }

    /// Hands the name to a call of the operating system.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try body(terminated)
    }
}

/// A place below the workspace, named from there; empty for the workspace itself.
package struct WorkspacePath: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The names with a slash between each two: any bytes, as file systems take them.
    let bytes: [UInt8]

    static let root = WorkspacePath(bytes: [])

    init(bytes: [UInt8]) { self.bytes = bytes }

    package init(_ text: String) { bytes = Array(text.utf8) }

    func appending(_ name: EntryName) -> WorkspacePath {
        WorkspacePath(bytes: bytes.isEmpty ? Array(name.bytes) : bytes + [UInt8(ascii: "/")] + name.bytes)
    }

    var names: [EntryName] { bytes.split(separator: UInt8(ascii: "/")).map { EntryName($0) } }

    /// The folder that it lies in, and its name there; `nil` for the workspace itself.
    var split: (folder: [EntryName], name: EntryName)? {
        let names = names
        return names.last.map { (Array(names.dropLast()), $0) }
    }

    /// The path as text; `nil` where it is no UTF-8.
    var text: String? { String(validating: bytes, as: UTF8.self) }

    func contains(_ other: WorkspacePath) -> Bool {
        bytes.isEmpty || other == self
            || (other.bytes.count > bytes.count && other.bytes[bytes.count] == UInt8(ascii: "/")
                && other.bytes.starts(with: bytes))
    }

    /// For people: on one line, whatever the names hold.
    package var description: String {
        bytes.isEmpty ? "." : PrintableText.oneLine(String(decoding: bytes, as: UTF8.self), limit: 1024)
    }

    package static func < (left: WorkspacePath, right: WorkspacePath) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
