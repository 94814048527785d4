import RoostCore

/// Draws a ``PullBoard`` as rows of a terminal: one bar an image, and the total.
struct PullRows: Sendable {
    let theme: Theme

    /// Draws the present state.
    ///
    /// - Parameters:
    ///   - board: The state of the pull.
    ///   - size: The terminal's; images beyond half its height are summed in one row.
    ///   - now: The clock's reading.
    /// - Returns: The rows, none wider than the terminal less one column, so that none wraps.
    func draw(_ board: PullBoard, size: TerminalSize, now: Duration) -> [String] {
        guard board.isActive else { return [] }
        let columns = max(size.columns - 1, 1)
        let pending = board.images.filter { $0.state != .finished }
        let ordered = pending.filter { $0.state != .waiting } + pending.filter { $0.state == .waiting }
        // Half the screen at most, the total included: what the steps print should stay in sight.
        let room = max(size.rows / 2 - 1, 1)
        let shown = ordered.count <= room ? ordered[...] : ordered.prefix(room - 1)
        let hidden = ordered.dropFirst(shown.count)
        let widest = shown.reduce(0) { max($0, DisplayWidth.of($1.name)) }
        let nameColumns = min(widest, max(columns / 3, 8))
        var rows = shown.map { row($0, nameColumns: nameColumns, columns: columns) }
        if !hidden.isEmpty { rows.append(theme.paint(remainder(hidden, columns: columns), .dim)) }
        rows.append(totalRow(board, columns: columns, now: now))
        return rows
    }

    private func row(_ image: PullBoard.Image, nameColumns: Int, columns: Int) -> String {
        let amount = image.amount
        let name = theme.middle(image.name, nameColumns)
        let filled = name + String(repeating: " ", count: nameColumns - DisplayWidth.of(name))
        var tail: [String] = [Self.percent(amount)]
        if columns >= 52 { tail.append(DisplayWidth.fit(image.activity, 11, ellipsis: theme.glyphs.ellipsis)) }
        if columns >= 76 { tail.append(Self.bytes(amount)) }
        return line(filled, amount.fraction, tail, columns: columns, ink: .cyan)
    }

    private func totalRow(_ board: PullBoard, columns: Int, now: Duration) -> String {
        let total = board.total
        let label = "\(board.finishedCount)/\(board.images.count) images"
        var tail = [Self.percent(total)]
        let left = board.timeLeft(at: now).map { "\(DurationText.format(Self.rounded($0))) left" }
        let rate = board.rate(at: now).map { "\(ByteCount(Int64($0)))/s" }
        for piece in [left, rate, total.total > 0 ? Self.bytes(total) : nil] {
            guard let piece else { continue }
            let used = DisplayWidth.of(label) + tail.reduce(0) { $0 + DisplayWidth.of($1) + 2 } + 4
            if used + DisplayWidth.of(piece) + 2 + Self.shortestBar <= columns { tail.append(piece) }
        }
        return line(label, total.fraction, tail, columns: columns, ink: .green)
    }

    private func remainder(_ images: ArraySlice<PullBoard.Image>, columns: Int) -> String {
        let waiting = images.count { $0.state == .waiting }
        let text = "and \(images.count) more: \(images.count - waiting) pulling, \(waiting) waiting"
        return DisplayWidth.truncate(text, columns, ellipsis: theme.glyphs.ellipsis)
    }

    private static let shortestBar = 8
    private static let longestBar = 30

    private func line(_ label: String, _ fraction: Double, _ tail: [String], columns: Int, ink: Paint.Ink) -> String {
        let text = tail.joined(separator: "  ")
        let room = min(columns - DisplayWidth.of(label) - DisplayWidth.of(text) - 4, Self.longestBar)
        guard room >= Self.shortestBar else {
            return DisplayWidth.truncate("\(label)  \(text)", columns, ellipsis: theme.glyphs.ellipsis)
        }
        let full = min(Int((fraction * Double(room)).rounded(.down)), room)
        let bar =
            theme.paint(String(repeating: theme.glyphs.barFull, count: full), ink)
            + theme.paint(String(repeating: theme.glyphs.barEmpty, count: room - full), .dim)
        return "\(label)  \(bar)  \(text)"
    }

    static func percent(_ amount: PullBoard.Amount) -> String {
        DisplayWidth.right("\(Int((amount.fraction * 100).rounded(.down)))%", 4)
    }

    static func bytes(_ amount: PullBoard.Amount) -> String {
        amount.total > 0 ? "\(ByteCount(amount.downloaded)) of \(ByteCount(amount.total))" : ""
    }

    /// Whole seconds: tenths of an estimate would only flicker.
    private static func rounded(_ duration: Duration) -> Duration { .seconds(max(duration.inSeconds.rounded(.up), 1)) }
}

/// Everything that decides how text looks on one stream.
struct Theme: Sendable {
    let paint: Paint
    let glyphs: Glyphs
    let sanitizer: TextSanitizer

    init(_ style: OutputStyle) {
        paint = Paint(isOn: style.usesColor)
        glyphs = style.usesUnicode ? .unicode : .ascii
        sanitizer = TextSanitizer(passesColor: style.usesColor)
    }

    func middle(_ text: String, _ columns: Int) -> String {
        DisplayWidth.truncateMiddle(text, columns, ellipsis: glyphs.ellipsis)
    }
}
