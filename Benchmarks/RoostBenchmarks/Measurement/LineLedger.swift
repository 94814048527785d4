import Foundation

/// Checks lines that many steps printed at once: that each came, whole, once, and in its step's order.
///
/// A line of a step is `#p07 123 …`: the step's number, the line's number and a text that is always the same. Whoever shows
/// it puts something before it, in which the step's name has to stand.
struct LineLedger {
    /// What every line ends with, so that a line is about as long as those of compilers and tests.
    static let text = " compiling a module of the usual size with the usual flags"

    /// The name of a step.
    static func name(_ step: Int) -> String { step < 10 ? "p0\(step)" : "p\(step)" }

    /// A command that prints a step's lines, of busybox and without a fork.
    static func command(step: Int, lines: Int) -> [String] {
        ["awk", "BEGIN { for (i = 0; i < \(lines); i++) print \"#\(name(step)) \" i \"\(text)\" }"]
    }

    private let lines: Int
    private var next: [Int]
    private var right: [Int]
    private var pending: [UInt8] = []
    private let names: [[UInt8]]
    /// Lines that were torn, mixed up, or in the wrong place, the first few.
    private(set) var wrong: [String] = []
    /// How many there were of these.
    private(set) var wrongCount = 0

    /// - Parameters:
    ///   - steps: How many steps print; at most 100.
    ///   - lines: How many lines each prints.
    init(steps: Int, lines: Int) {
        self.lines = lines
        next = [Int](repeating: 0, count: steps)
        right = next
        names = (0..<steps).map { Array(Self.name($0).utf8) }
    }

    /// How many of all lines did not come whole and in their place.
    var lost: Int { right.reduce(lines * right.count) { $0 - $1 } }

    /// Takes the next bytes of what was shown.
    mutating func read(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        var start = 0
        while start < bytes.count {
            let found = memchr(base + start, 0x0A, bytes.count - start)
            let end = found.map { UnsafeRawPointer($0) - base } ?? bytes.count
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if found == nil {
                pending.append(contentsOf: piece)
            } else if pending.isEmpty {
                note(piece)
            } else {
                pending.append(contentsOf: piece)
                let line = pending
                pending = []
                line.withUnsafeBytes { note($0) }
            }
            start = end + 1
        }
    }

    private mutating func note(_ line: UnsafeRawBufferPointer) {
        // Lines without the mark tell of the run itself.
        guard let mark = line.firstIndex(of: UInt8(ascii: "#")) else { return }
        var rest = line[(mark + 1)...]
        guard rest.popFirst() == UInt8(ascii: "p"), let step = Self.number(&rest), next.indices.contains(step),
            rest.popFirst() == UInt8(ascii: " "), let index = Self.number(&rest), rest.elementsEqual(Self.text.utf8),
            Self.holds(names[step], line[..<mark])
        else { return remember(line) }
        if index == next[step] { right[step] += 1 } else { remember(line) }
        // Lines that come a second time, or after later ones, must not make up for those that are missing.
        next[step] = max(next[step], index + 1)
    }

    private mutating func remember(_ line: UnsafeRawBufferPointer) {
        wrongCount += 1
        if wrong.count < 5 { wrong.append(String(decoding: line, as: UTF8.self)) }
    }

    private static func number(_ bytes: inout Slice<UnsafeRawBufferPointer>) -> Int? {
        var value: Int?
        while let byte = bytes.first, byte >= 0x30, byte <= 0x39, value ?? 0 < 1_000_000_000 {
            value = (value ?? 0) * 10 + Int(byte - 0x30)
            bytes.removeFirst()
        }
        return value
    }

    private static func holds(_ name: [UInt8], _ text: Slice<UnsafeRawBufferPointer>) -> Bool {
        var rest = text
        while rest.count >= name.count {
            if rest.starts(with: name) { return true }
            rest.removeFirst()
        }
        return false
    }
}
