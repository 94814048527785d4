/// The way to a value in a document: `stages."Main Execution".steps.lint.env[0]`.
package struct TOMLKeyPath: Hashable, Sendable, CustomStringConvertible {
    package enum Part: Hashable, Sendable {
        case key(String)
        /// An element of an array, counted from 0.
        case index(Int)
    }

    package var parts: [Part]

    package init(_ parts: [Part] = []) {
        self.parts = parts
    }

    package func appending(_ key: String) -> TOMLKeyPath { TOMLKeyPath(parts + [.key(key)]) }
    package func appending(index: Int) -> TOMLKeyPath { TOMLKeyPath(parts + [.index(index)]) }

    /// The path as TOML writes it, keys quoted where they have to be and cut where they are very long, so that it is
    /// safe to print on one line.
    package var description: String {
        var text = ""
        for part in parts {
            switch part {
            case .key(let key):
                if !text.isEmpty { text += "." }
                text += Self.written(key)
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    /// One key as TOML writes it: bare where that is allowed.
    package static func written(_ key: String) -> String {
        let isBare = !key.isEmpty && key.utf8.allSatisfy(\.isBareKeyByte)
        return isBare && key.utf8.count <= 128 ? key : PrintableText.quoted(key)
    }
}

extension UInt8 {
    /// `A-Za-z0-9_-`: what TOML 1.0 allows in a key without quotes.
    var isBareKeyByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
