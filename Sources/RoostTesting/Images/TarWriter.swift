package import NIOCore

/// A file of an image's layer.
package struct TestFile: Sendable {
    enum Kind: Sendable {
        case file(ByteBuffer)
        case directory
        case symbolicLink(to: String)
        case hardLink(to: String)
    }

    let path: String
    let mode: Int
    let kind: Kind

    package static func file(_ path: String, mode: Int = 0o644, _ bytes: ByteBuffer) -> TestFile {
        TestFile(path: path, mode: mode, kind: .file(bytes))
    }

    package static func file(_ path: String, mode: Int = 0o644, _ text: String) -> TestFile {
        TestFile(path: path, mode: mode, kind: .file(ByteBuffer(string: text)))
    }

    package static func directory(_ path: String, mode: Int = 0o755) -> TestFile {
        TestFile(path: path, mode: mode, kind: .directory)
    }

    package static func symbolicLink(_ path: String, to target: String) -> TestFile {
        TestFile(path: path, mode: 0o777, kind: .symbolicLink(to: target))
    }

    /// A further name of a file that stands before it in the layer.
    package static func hardLink(_ path: String, to target: String) -> TestFile {
        TestFile(path: path, mode: 0o644, kind: .hardLink(to: target))
    }
}

/// Writes tar archives in the POSIX ustar format, always the same bytes for the same files: owner root, time 0.
enum TarWriter {
    /// A path or a target does not fit into a ustar header.
    struct PathTooLong: Error, CustomStringConvertible {
        let path: String
        var description: String { "\(path) is longer than the 100 bytes that a ustar header holds; use a shorter path" }
    }

    private static let blockSize = 512

    static func archive(_ files: [TestFile]) throws -> ByteBuffer {
        var tar = ByteBuffer()
        for file in files {
            tar.writeBytes(try header(file))
            if case .file(let bytes) = file.kind {
                tar.writeImmutableBuffer(bytes)
                pad(&tar)
            }
        }
        // Two zero blocks end an archive.
        tar.writeRepeatingByte(0, count: 2 * blockSize)
        return tar
    }

    private static func pad(_ tar: inout ByteBuffer) {
        let excess = tar.readableBytes % blockSize
        if excess > 0 { tar.writeRepeatingByte(0, count: blockSize - excess) }
    }

    private static func header(_ file: TestFile) throws -> [UInt8] {
        var block = [UInt8](repeating: 0, count: blockSize)
        func put(_ text: String, at offset: Int, length: Int) throws {
            let bytes = Array(text.utf8)
            guard bytes.count <= length else { throw PathTooLong(path: text) }
            block.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        }
        func octal(_ value: Int, digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(digits - text.count, 0)) + text
        }
        let isDirectory = if case .directory = file.kind { true } else { false }
        let relative = String(file.path.drop { $0 == "/" })
        try put(isDirectory && !relative.hasSuffix("/") ? relative + "/" : relative, at: 0, length: 100)
        try put(octal(file.mode, digits: 7), at: 100, length: 7)
        try put(octal(0, digits: 7), at: 108, length: 7)
        try put(octal(0, digits: 7), at: 116, length: 7)
        try put(octal(0, digits: 11), at: 136, length: 11)
        var size = 0
        switch file.kind {
        case .file(let bytes):
            size = bytes.readableBytes
            block[156] = UInt8(ascii: "0")
        case .hardLink(let target):
            block[156] = UInt8(ascii: "1")
            try put(String(target.drop { $0 == "/" }), at: 157, length: 100)
        case .symbolicLink(let target):
            block[156] = UInt8(ascii: "2")
            try put(target, at: 157, length: 100)
        case .directory: block[156] = UInt8(ascii: "5")
        }
        try put(octal(size, digits: 11), at: 124, length: 11)
        try put("ustar\0" + "00", at: 257, length: 8)
        try put("root", at: 265, length: 32)
        try put("root", at: 297, length: 32)
        // The checksum counts its own field as blanks.
        block.replaceSubrange(148..<156, with: repeatElement(UInt8(ascii: " "), count: 8))
        let sum = block.reduce(0) { $0 + Int($1) }
        block.replaceSubrange(148..<156, with: Array("\(octal(sum, digits: 6))\0 ".utf8))
        return block
    }
}
