import Doctor

/// A diagnosis for people: one line a check, what to do below those that are not well, and the verdict at the end.
struct DiagnosisText: Sendable {
    let theme: Theme
    /// The columns there are; `nil` where lines may be as long as they like.
    let columns: Int?

    private static let leastText = 24

    func lines(_ diagnosis: Diagnosis) -> [String] {
        var lines: [String] = []
        if let place = diagnosis.place {
            lines += [TextSanitizer.plain("engine at \(place.endpoint) (\(place.source))"), ""]
        }
        let widest = diagnosis.checks.reduce(0) { max($0, DisplayWidth.of($1.title)) }
        for check in diagnosis.checks { lines += self.lines(check, titleColumns: widest) }
        return lines + ["", verdict(diagnosis)]
    }

    private func lines(_ check: Check, titleColumns: Int) -> [String] {
        let indent = 2 + titleColumns + 2
        let title = DisplayWidth.fit(check.title, titleColumns, ellipsis: theme.glyphs.ellipsis)
        var lines: [String] = []
        for (number, text) in wrap(check.detail, indent: indent).enumerated() {
            let isFirst = number == 0
            let head =
                isFirst ? theme.paint("\(glyph(check.verdict)) \(title)", ink(check.verdict)) + "  " : blank(indent)
            lines.append(head + text)
        }
        guard let remedy = check.remedy else { return lines }
        for text in wrap("\(remedy.advice):", indent: indent) { lines.append(blank(indent) + theme.paint(text, .dim)) }
        for step in remedy.steps {
            switch step {
            case .command(let command): lines += copyable(command, indent)
            case .line(let line, let file):
                lines.append(blank(indent) + theme.paint("in \(TextSanitizer.plain(file)):", .dim))
                lines += copyable(line, indent)
            }
        }
        return lines
    }

    /// Text to copy is never broken: a terminal that wraps it itself copies it whole.
    private func copyable(_ text: String, _ indent: Int) -> [String] {
        TextSanitizer.plainLines(text).map { blank(indent + 2) + theme.paint($0, .cyan) }
    }

    private func verdict(_ diagnosis: Diagnosis) -> String {
        let failures = count(diagnosis.count(.fail), "failure")
        let warnings = count(diagnosis.count(.warn), "warning")
        let sign = glyph(diagnosis.verdict)
        let text =
            switch diagnosis.verdict {
            case .ok: "\(sign) all is well"
            case .warn: "\(sign) ready, with \(warnings)"
            case .fail: "\(sign) not ready: \(failures), \(warnings)"
            }
        return theme.paint(text, ink(diagnosis.verdict))
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private func glyph(_ verdict: Verdict) -> String {
        switch verdict {
        case .ok: theme.glyphs.succeeded
        case .warn: theme.glyphs.warning
        case .fail: theme.glyphs.failed
        }
    }

    private func ink(_ verdict: Verdict) -> Paint.Ink {
        switch verdict {
        case .ok: .green
        case .warn: .yellow
        case .fail: .red
        }
    }

    private func blank(_ columns: Int) -> String { String(repeating: " ", count: columns) }

    /// The text in lines of what the indent leaves; a word that is longer keeps a line to itself.
    private func wrap(_ text: String, indent: Int) -> [String] {
        let text = TextSanitizer.plain(text)
        guard let columns else { return [text] }
        let room = max(columns - indent, Self.leastText)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.isEmpty {
                line = String(word)
            } else if DisplayWidth.of(line) + 1 + DisplayWidth.of(String(word)) <= room {
                line += " \(word)"
            } else {
                lines.append(line)
                line = String(word)
            }
        }
        return lines + [line]
    }
}
