/// How much memory the steps of all runs on an engine may be promised together: a size, or a part of the engine's memory.
package enum MemoryBudget: Hashable, Sendable, CustomStringConvertible {
    case size(ByteCount)
    /// A percentage of the engine's memory, above 0 and up to 100.
    case share(percent: Double)

    /// What holds where nothing says otherwise.
    package static let standard = MemoryBudget.share(percent: 80)

    /// Reads `"80%"`, or a size as ``ByteCount`` reads it.
    ///
    /// - Returns: `nil` where the text is neither, or is zero.
    package init?(parsing text: String) {
        let text = text.filter { $0 != " " && $0 != "\t" }
        if text.hasSuffix("%") {
            let number = text.dropLast()
            guard !number.isEmpty, number.count <= 16, number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
                let percent = Double(number), percent > 0, percent <= 100
            else { return nil }
            self = .share(percent: percent)
        } else {
            guard let size = ByteCount(parsing: text), size.bytes > 0 else { return nil }
            self = .size(size)
        }
    }

    /// The budget on an engine.
    ///
    /// - Parameter total: The engine's memory.
    /// - Returns: The size, or the part of `total`.
    package func size(of total: ByteCount) -> ByteCount {
        switch self {
        case .size(let size): size
        case .share(let percent): ByteCount(Int64(Double(total.bytes) * percent / 100))
        }
    }

    /// The budget as files write it: `80%`, or a number of bytes.
    package var written: String {
        switch self {
        case .size(let size): String(size.bytes)
        case .share(let percent): Self.number(percent) + "%"
        }
    }

    package var description: String {
        switch self {
        case .size(let size): size.description
        case .share(let percent): Self.number(percent) + " % of the engine's memory"
        }
    }

    private static func number(_ percent: Double) -> String {
        percent == percent.rounded() ? String(Int(percent)) : String(percent)
    }
}
