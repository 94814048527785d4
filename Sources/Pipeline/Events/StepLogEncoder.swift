/// Writes the `step.log` events of one batch of lines.
///
/// There may be millions of lines, and what differs from one to the next is little: the rest is made once for all of a
/// batch. What comes out is what the general encoder makes of ``StepLogWire``, byte by byte.
struct StepLogEncoder {
    private let whole: [UInt8]
    private let continued: [UInt8]
    private let end: [UInt8]

    /// - Parameters:
    ///   - log: The batch.
    ///   - time: Its time, as events carry it.
    init(_ log: StepLog, time: String) {
        func begin(_ continues: String) -> [UInt8] {
            var bytes = Array("{\"attempt\":\(log.attempt)\(continues),\"stage\":\"".utf8)
            Self.append(Array(log.id.stage.utf8), to: &bytes)
            bytes += "\",\"step\":\"".utf8
            Self.append(Array(log.id.step.utf8), to: &bytes)
            bytes += "\",\"stream\":\"".utf8
            return bytes
        }
        whole = begin("")
        continued = begin(",\"continues\":true")
        end = Array("\",\"time\":\"\(time)\",\"type\":\"step.log\"}\n".utf8)
    }

    /// Appends a line's event.
    ///
    /// - Returns: False, with nothing appended, where the line is not UTF-8: its event has a field more.
    func append(_ line: LogLine, to bytes: inout [UInt8]) -> Bool {
        let length = bytes.count
        bytes += line.continues ? continued : whole
        bytes += line.stream == .stdout ? Self.stdout : Self.stderr
        guard Self.append(line.bytes, to: &bytes) else {
            bytes.removeSubrange(length...)
            return false
        }
        bytes += end
        return true
    }

    private static let stdout = Array("stdout\",\"text\":\"".utf8)
    private static let stderr = Array("stderr\",\"text\":\"".utf8)

    /// Appends text as JSON has it between its quotes, copying what needs no escape in runs.
    ///
    /// - Returns: Whether it is UTF-8; else part of it was appended.
    @discardableResult
    private static func append(_ text: [UInt8], to bytes: inout [UInt8]) -> Bool {
        var isASCII = true
        var runStart = 0
        for (index, byte) in text.enumerated() {
            if byte >= 0x80 { isASCII = false }
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            bytes += text[runStart..<index]
            bytes += escape(byte).utf8
            runStart = index + 1
        }
        bytes += text[runStart...]
        return isASCII || String(validating: text, as: UTF8.self) != nil
    }

    private static func escape(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "\""): "\\\""
        case UInt8(ascii: "\\"): "\\\\"
        case 0x08: "\\b"
        case 0x09: "\\t"
        case 0x0A: "\\n"
        case 0x0C: "\\f"
        case 0x0D: "\\r"
        default: (byte < 16 ? "\\u000" : "\\u00") + String(byte, radix: 16)
        }
    }
}
