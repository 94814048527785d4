import Foundation
import NIOCore
import NIOFoundationCompat

/// Splits a stream of JSON documents, one a line, as pulls and events come.
struct JSONLineSplitter {
    /// A line is longer than any message of an engine.
    struct LineTooLong: Error {}

    private static let longestLine = 4 << 20

    private var pending = ByteBuffer()

    /// Takes the next bytes and returns the lines that are complete, without empty ones.
    mutating func split(_ chunk: ByteBuffer) throws(LineTooLong) -> [Data] {
        pending.writeImmutableBuffer(chunk)
        var lines: [Data] = []
        while let end = pending.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let length = end - pending.readerIndex
            if let line = pending.readData(length: length), !Self.isBlank(line) { lines.append(line) }
            pending.moveReaderIndex(forwardBy: 1)
        }
        pending.discardReadBytes()
        guard pending.readableBytes <= Self.longestLine else { throw LineTooLong() }
        return lines
    }

    /// The last line, where the stream ended without a line break.
    mutating func finish() -> Data? {
        guard let rest = pending.readData(length: pending.readableBytes), !Self.isBlank(rest) else { return nil }
        return rest
    }

    private static func isBlank(_ line: Data) -> Bool {
        line.allSatisfy { $0 == 32 || $0 == 13 || $0 == 9 || $0 == 10 }
    }
}
