/// The last lines of a step's log, for the report of a step that did not succeed.
///
/// Bounded in lines and in bytes a line, so that a pipeline of a thousand steps keeps little.
package struct LogTail: Sendable {
    /// How many lines are kept.
    package static let lineLimit = 20
    /// How many bytes of each line are kept; what a line had beyond is told by number.
    package static let byteLimit = 4096

    private struct Kept {
        let number: Int
        let stream: LogLine.Stream
        var bytes: [UInt8]
        var omitted: Int
    }

    private var kept: [Kept] = []
    /// Where the oldest line is, once the ring is full.
    private var oldest = 0
    private var count = 0
    /// The number of the line of each stream that goes on in the next entry.
    private var openStdout: Int?
    private var openStderr: Int?

    package init() {}

    /// Takes the next entry of the log; a line that came in several pieces counts as one.
    package mutating func append(_ line: LogLine) {
        let open = line.stream == .stdout ? openStdout : openStderr
        let number = open ?? count
        if open != nil {
            extend(number, by: line.bytes.count)
        } else {
            let omitted = max(line.bytes.count - Self.byteLimit, 0)
            let bytes = omitted == 0 ? line.bytes : Array(line.bytes.prefix(Self.byteLimit))
            insert(Kept(number: count, stream: line.stream, bytes: bytes, omitted: omitted))
            count += 1
        }
        let next = line.continues ? number : nil
        if line.stream == .stdout { openStdout = next } else { openStderr = next }
    }

    /// The lines kept, oldest first; a shortened one ends with how much is missing.
    package var lines: [LogLine] {
        (kept[oldest...] + kept[..<oldest]).map { line in
            let mark = line.omitted == 0 ? [] : Array(" … (\(line.omitted) bytes more)".utf8)
            return LogLine(stream: line.stream, bytes: line.bytes + mark, continues: false)
        }
    }

    private mutating func insert(_ line: Kept) {
        if kept.count < Self.lineLimit {
            kept.append(line)
        } else {
            kept[oldest] = line
            oldest = (oldest + 1) % Self.lineLimit
        }
    }

    private mutating func extend(_ number: Int, by bytes: Int) {
        // The line may have left the ring while the other stream went on.
        guard let index = kept.firstIndex(where: { $0.number == number }) else { return }
        kept[index].omitted += bytes
    }
}
