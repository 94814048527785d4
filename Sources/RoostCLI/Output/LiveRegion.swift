import RoostCore

/// The rows at the bottom of a terminal that are drawn over, and the text that is printed above them.
///
/// Pure: it returns what to write. Text that arrives while rows are shown waits for the next frame, so that rows and
/// text never tear each other and the terminal is redrawn at most ten times a second.
struct LiveRegion: Sendable {
    /// The least time between two frames.
    static let frame: Duration = .milliseconds(100)
    /// How much text may wait for a frame.
    static let heldLimit = 64 << 10

    private let isLive: Bool
    private var held = ""
    private var shown: [String] = []
    private var lastFrame: Duration?

    init(isLive: Bool) {
        self.isLive = isLive
    }

    /// Takes text to print and the rows to show.
    ///
    /// - Parameters:
    ///   - text: Whole lines, each ended by a line break; may be empty.
    ///   - now: The clock's reading.
    ///   - size: The terminal's present size.
    ///   - rows: The rows wanted now, each narrower than the terminal; called only when a frame is due.
    /// - Returns: What to write now; empty where everything waits for the next frame.
    mutating func update(printing text: String, now: Duration, size: TerminalSize, rows: () -> [String]) -> String {
        held += text
        guard isLive else { return takeHeld() }
        let isDue = lastFrame.map { now - $0 >= Self.frame } ?? true
        guard isDue || held.utf8.count > Self.heldLimit else { return "" }
        let wanted = rows()
        if wanted.isEmpty, shown.isEmpty { return takeHeld() }
        guard wanted != shown || !held.isEmpty else { return "" }
        let output = erase(columns: size.columns) + takeHeld() + wanted.joined(separator: "\r\n")
        shown = wanted
        lastFrame = wanted.isEmpty ? nil : now
        return output
    }

    /// Removes the rows and prints what waits.
    mutating func close(size: TerminalSize) -> String {
        let output = erase(columns: size.columns) + takeHeld()
        shown = []
        lastFrame = nil
        return output
    }

    private mutating func takeHeld() -> String {
        defer { held = "" }
        return held
    }

    /// Moves to the first of the rows and clears from there: the cursor rests behind the last one.
    ///
    /// A terminal that became narrower has wrapped the rows: each then takes several.
    private func erase(columns: Int) -> String {
        guard !shown.isEmpty else { return "" }
        let height = shown.reduce(0) { $0 + max((DisplayWidth.ofPainted($1) + columns - 1) / max(columns, 1), 1) }
        return "\r" + (height > 1 ? "\u{1B}[\(height - 1)A" : "") + "\u{1B}[J"
    }
}
