import Foundation

/// Whether text may be coloured, as the user asks for it.
package enum ColorChoice: String, Sendable, CaseIterable {
    /// On a terminal that is not `dumb`, unless `NO_COLOR` is set; elsewhere where `FORCE_COLOR` is.
    case auto
    case always
    case never
}

/// Columns and rows of a terminal.
package struct TerminalSize: Hashable, Sendable {
    package var columns: Int
    package var rows: Int

    package init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }

    /// The size where a terminal does not tell its own.
    package static let usual = TerminalSize(columns: 80, rows: 24)
}

/// What a stream of text may hold.
package struct OutputStyle: Hashable, Sendable {
    /// A region at the bottom may be drawn over: the stream is a terminal that can, and no CI system's.
    package var isLive: Bool
    package var usesColor: Bool
    /// Glyphs beyond ASCII may be used.
    package var usesUnicode: Bool
    /// `nil` where the stream is no terminal: lines are as long as they are.
    package var columns: Int?

    package init(isLive: Bool, usesColor: Bool, usesUnicode: Bool, columns: Int?) {
        self.isLive = isLive
        self.usesColor = usesColor
        self.usesUnicode = usesUnicode
        self.columns = columns
    }

    /// Decides from what is known of a stream.
    ///
    /// An explicit choice wins over the environment; `NO_COLOR` (no-color.org: set and not empty) wins over
    /// `FORCE_COLOR`, so that colour is never forced on one who asked for none.
    ///
    /// - Parameters:
    ///   - size: The terminal's size; `nil` where the stream is no terminal.
    ///   - color: The user's choice.
    ///   - environment: `NO_COLOR`, `FORCE_COLOR`, `TERM`, `CI`, `LC_ALL`, `LC_CTYPE` and `LANG` are read.
    /// - Returns: What the stream can show.
    package static func decide(size: TerminalSize?, color: ColorChoice, environment: [String: String]) -> OutputStyle {
        func isSet(_ name: String) -> Bool { environment[name].map { !$0.isEmpty } ?? false }
        let isCapable = size != nil && environment["TERM"] != "dumb"
        let usesColor =
            switch color {
            case .always: true
            case .never: false
            case .auto:
                if isSet("NO_COLOR") {
                    false
                } else if isSet("FORCE_COLOR") {
                    environment["FORCE_COLOR"] != "0"
                } else {
                    isCapable
                }
            }
        let isCI = isSet("CI") && environment["CI"] != "false"
        return OutputStyle(
            isLive: isCapable && !isCI,
            usesColor: usesColor,
            usesUnicode: isUnicode(environment),
            columns: size?.columns
        )
    }

    /// Looks at an open descriptor.
    package static func detect(
        descriptor: Int32,
        color: ColorChoice,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> OutputStyle {
        decide(size: TerminalSize.query(descriptor), color: color, environment: environment)
    }

    /// The first of the locale's variables that is set decides, as in POSIX.
    private static func isUnicode(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        guard let name = locale?.lowercased() else { return false }
        return name.contains("utf-8") || name.contains("utf8")
    }
}

extension TerminalSize {
    /// Asks a descriptor; `nil` where it is no terminal.
    package static func query(_ descriptor: Int32) -> TerminalSize? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return .usual }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }
}
