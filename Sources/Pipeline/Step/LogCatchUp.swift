/// How far one stream of a container's output has been read.
struct OutputPosition: Sendable, Hashable {
    /// The bytes that are no line breaks.
    private(set) var content = 0
    /// The line breaks behind the last of them.
    private(set) var breaks = 0

    /// Goes on over what was read.
    mutating func advance(over bytes: some Collection<UInt8>) {
        var content = 0
        var breaks = breaks
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                breaks += 1
            } else {
                content += 1
                breaks = 0
            }
        }
        self.content += content
        self.breaks = breaks
    }
}

/// Finds, in one stream of a container's log, what has not been read from the container itself.
///
/// An engine keeps its log in records, a line each, and breaks up lines of more than 16 KiB: into records that are full, and
/// one with the rest. Docker's `local` driver forgets the line break behind that rest (seen with 20.10). So the bytes of the
/// log are fewer than those of the output, and only those that are no line breaks can be counted off against what was read.
/// The forgotten line breaks are put back, but for one at the very end, which can't be told from none.
///
/// Where the rest is empty, because a line's length is a multiple of 16 KiB, nothing in the log says whether its line break
/// was forgotten: that is taken to be so once another one was.
struct LogCatchUp: Sendable {
    /// The longest record without its line break (moby, daemon/logger/copier.go).
    static let fullRecord = 16 << 10

    private var contentToSkip: Int
    private var breaksToSkip: Int
    private var isInsideLine = false
    private var owesBreak = false
    private var forgetsBreaks = false

    /// - Parameter position: What of the output was read already.
    init(after position: OutputPosition) {
        contentToSkip = position.content
        breaksToSkip = position.breaks
    }

    /// Takes the next record of the log, from its begin on.
    ///
    /// - Returns: What of it was not read yet; may be empty.
    mutating func unread(in record: [UInt8]) -> ArraySlice<UInt8> {
        let isWhole = record.last == UInt8(ascii: "\n")
        let isFull = !isWhole && record.count == Self.fullRecord
        if owesBreak { forgetsBreaks = true }
        let isNewLine = owesBreak || isInsideLine && isWhole && forgetsBreaks
        owesBreak = isInsideLine && !isWhole && !isFull
        isInsideLine = isFull
        return skip(isNewLine ? [UInt8(ascii: "\n")] + record : record)
    }

    private mutating func skip(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        var rest = bytes[...]
        while contentToSkip > 0, let byte = rest.popFirst() {
            if byte != UInt8(ascii: "\n") { contentToSkip -= 1 }
        }
        guard contentToSkip == 0 else { return [] }
        while breaksToSkip > 0, rest.first == UInt8(ascii: "\n") {
            rest = rest.dropFirst()
            breaksToSkip -= 1
        }
        // Whatever else comes is new, and so are the line breaks behind it.
        if !rest.isEmpty { breaksToSkip = 0 }
        return rest
    }
}
