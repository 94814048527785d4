import struct Crypto.SHA256
import struct Crypto.SHA512
import Glibc
import OCIDistribution

/// A hash that is taken while bytes pass by.
struct RunningDigest: Sendable {
    private enum Hash {
        case sha256(SHA256)
        case sha512(SHA512)
    }

    private var hash: Hash

    init(_ algorithm: Digest.Algorithm) {
        hash =
            switch algorithm {
            case .sha256: .sha256(SHA256())
            case .sha512: .sha512(SHA512())
            }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch hash {
        case .sha256(var sha):
            sha.update(bufferPointer: bytes)
            hash = .sha256(sha)
        case .sha512(var sha):
            sha.update(bufferPointer: bytes)
            hash = .sha512(sha)
        }
    }

    /// Whether what has passed by has this digest.
    func matches(_ digest: Digest) -> Bool {
        let hex =
            switch hash {
            case .sha256(let sha): Self.hex(sha.finalize())
            case .sha512(let sha): Self.hex(sha.finalize())
            }
        return hex == digest.hex
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xf)]] }, as: UTF8.self)
    }

    /// Hashes what is in a file.
    ///
    /// - Parameters:
    ///   - descriptor: The file; its position is left alone.
    ///   - range: Which bytes.
    ///   - buffer: What is read at once goes through it.
    /// - Returns: How many bytes there were; fewer than asked for where the file ends.
    /// - Throws: ``FileFault``.
    mutating func update(
        from descriptor: CInt,
        _ range: Range<Int64>,
        through buffer: inout [UInt8]
    ) throws(FileFault) -> Int64 {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let most = Int(min(Int64(buffer.count), range.upperBound - offset))
            let count = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, most, off_t(offset)) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileFault(operation: "read", path: "", code: errno) }
            if count == 0 { break }
            buffer.withUnsafeBytes { update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += Int64(count)
        }
        return offset - range.lowerBound
    }
}
