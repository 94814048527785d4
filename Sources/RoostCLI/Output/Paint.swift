/// Colours and weights of text, as SGR sequences (ECMA-48), or nothing where the stream has no colour.
struct Paint: Sendable {
    enum Ink: Int, Sendable {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
        case blue = 34
        case magenta = 35
        case cyan = 36
        case brightGreen = 92
        case brightYellow = 93
        case brightBlue = 94
        case brightMagenta = 95
        case brightCyan = 96
    }

    let isOn: Bool

    static let reset = "\u{1B}[0m"

    /// What the steps of a run are told apart by, in plan order. Red is left to failures.
    static let stepInks: [Ink] = [
        .cyan, .yellow, .green, .magenta, .blue, .brightCyan, .brightYellow, .brightGreen, .brightMagenta, .brightBlue,
    ]

    func callAsFunction(_ text: String, _ ink: Ink) -> String {
        isOn && !text.isEmpty ? "\u{1B}[\(ink.rawValue)m\(text)\(Self.reset)" : text
    }

    /// Painted text taken apart into text and whole sequences, in their order.
    static func parts(of painted: String) -> [(text: String, isSequence: Bool)] {
        var parts: [(text: String, isSequence: Bool)] = []
        var isInSequence = false
        // By scalars: a combining mark behind a sequence makes one character with its last letter.
        for scalar in painted.unicodeScalars {
            if scalar == "\u{1B}" {
                isInSequence = true
                parts.append(("", true))
            } else if parts.isEmpty || (!isInSequence && parts[parts.count - 1].isSequence) {
                parts.append(("", false))
            }
            parts[parts.count - 1].text.unicodeScalars.append(scalar)
            if scalar == "m" { isInSequence = false }
        }
        return parts
    }

    /// Painted text without its colours.
    static func plain(_ painted: String) -> String {
        guard painted.utf8.contains(0x1B) else { return painted }
        return parts(of: painted).reduce(into: "") { if !$1.isSequence { $0 += $1.text } }
    }
}

/// The signs of the display, in Unicode or in ASCII.
struct Glyphs: Sendable {
    let succeeded: String
    let failed: String
    let skipped: String
    let warning: String
    let started: String
    /// Between a step's name and its standard output, and its standard error.
    let stdout: String
    let stderr: String
    let ellipsis: String
    let rule: String
    let separator: String
    let barFull: String
    let barEmpty: String
    let phaseWaiting: String
    let phasePull: String
    let phaseOverhead: String
    let phaseRun: String

    static let unicode = Glyphs(
        succeeded: "✔",
        failed: "✘",
        skipped: "○",
        warning: "▲",
        started: "▶",
        stdout: "│",
        stderr: "║",
        ellipsis: "…",
        rule: "──",
        separator: "·",
        barFull: "█",
        barEmpty: "░",
        phaseWaiting: "·",
        phasePull: "░",
        phaseOverhead: "▒",
        phaseRun: "█"
    )

    static let ascii = Glyphs(
        succeeded: "+",
        failed: "x",
        skipped: "o",
        warning: "!",
        started: ">",
        stdout: "|",
        stderr: "!",
        ellipsis: "~",
        rule: "--",
        separator: "-",
        barFull: "#",
        barEmpty: ".",
        phaseWaiting: ".",
        phasePull: "-",
        phaseOverhead: "=",
        phaseRun: "#"
    )
}
