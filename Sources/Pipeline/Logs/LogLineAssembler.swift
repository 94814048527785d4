import Foundation

/// Turns the chunks of a step's two output streams into whole lines, in the order in which they end.
///
/// The engine frames at most 16 KiB at a time, so a line may span frames, and a frame may hold many lines. Memory stays
/// bounded whatever a step prints: a line longer than ``longestLine`` is handed on in pieces that say so.
package struct LogLineAssembler: Sendable {
    /// The most bytes of one line that are handed on in one piece.
    package static let longestLine = 64 << 10

    private var stdout: [UInt8] = []
    private var stderr: [UInt8] = []

    package init() {}

    /// Takes the next bytes of one stream.
    ///
    /// - Returns: The lines that these bytes complete, without `\n` and without one `\r` before it.
    package mutating func feed(_ chunk: UnsafeRawBufferPointer, from stream: LogLine.Stream) -> [LogLine] {
        switch stream {
        case .stdout: Self.split(chunk, stream, pending: &stdout)
        case .stderr: Self.split(chunk, stream, pending: &stderr)
        }
    }

    /// Takes the next bytes of one stream; see ``feed(_:from:)-(UnsafeRawBufferPointer,_)``.
    package mutating func feed(_ chunk: [UInt8], from stream: LogLine.Stream) -> [LogLine] {
        chunk.withUnsafeBytes { feed($0, from: stream) }
    }

    /// Takes the next bytes of one stream; see ``feed(_:from:)-(UnsafeRawBufferPointer,_)``.
    package mutating func feed(_ chunk: ArraySlice<UInt8>, from stream: LogLine.Stream) -> [LogLine] {
        chunk.withUnsafeBytes { feed($0, from: stream) }
    }

    /// Both streams have ended: hands on last lines that no line break ended.
    package mutating func finish() -> [LogLine] {
        var lines: [LogLine] = []
        if !stdout.isEmpty { lines.append(LogLine(stream: .stdout, bytes: stdout, continues: false)) }
        if !stderr.isEmpty { lines.append(LogLine(stream: .stderr, bytes: stderr, continues: false)) }
        stdout = []
        stderr = []
        return lines
    }

    private static func split(
        _ chunk: UnsafeRawBufferPointer,
        _ stream: LogLine.Stream,
        pending: inout [UInt8]
    ) -> [LogLine] {
        guard let base = chunk.baseAddress else { return [] }
        var lines: [LogLine] = []
        var start = 0
        while start < chunk.count {
            let rest = chunk.count - start
            let lineBreak = memchr(base + start, 0x0A, rest).map { UnsafeRawPointer($0) - base }
            let end = lineBreak ?? chunk.count
            var piece = UnsafeRawBufferPointer(start: base + start, count: end - start)
            while pending.count + piece.count > longestLine {
                let taken = longestLine - pending.count
                append(UnsafeRawBufferPointer(rebasing: piece[..<taken]), to: &pending)
                piece = UnsafeRawBufferPointer(rebasing: piece[taken...])
                lines.append(cut(&pending, stream))
            }
            guard lineBreak != nil else {
                append(piece, to: &pending)
                break
            }
            if pending.isEmpty {
                lines.append(LogLine(stream: stream, bytes: bytes(withoutReturn(piece)), continues: false))
            } else {
                append(piece, to: &pending)
                if pending.last == 0x0D { pending.removeLast() }
                lines.append(LogLine(stream: stream, bytes: pending, continues: false))
                pending = []
            }
            start = end + 1
        }
        return lines
    }

    /// Takes a full buffer's worth, up to the last whole character, so that no split tears a UTF-8 sequence.
    private static func cut(_ pending: inout [UInt8], _ stream: LogLine.Stream) -> LogLine {
        let kept = pending.count - unfinishedCharacter(at: pending)
        let line = LogLine(stream: stream, bytes: Array(pending[..<kept]), continues: true)
        pending.removeFirst(kept)
        return line
    }

    /// How many bytes at the end start a UTF-8 sequence that goes on after the end.
    private static func unfinishedCharacter(at bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0b1100_0000 == 0b1000_0000 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }

    private static func withoutReturn(_ piece: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        piece.last == 0x0D ? UnsafeRawBufferPointer(rebasing: piece.dropLast()) : piece
    }

    private static func append(_ piece: UnsafeRawBufferPointer, to pending: inout [UInt8]) {
        guard !piece.isEmpty else { return }
        pending.append(contentsOf: piece)
    }

    /// A copy through `memcpy`: the generic initialiser goes byte by byte in an unoptimised build.
    private static func bytes(_ piece: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: piece.count) { buffer, count in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: piece)
            count = piece.count
        }
    }
}
