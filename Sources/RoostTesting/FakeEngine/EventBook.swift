import Foundation

/// Something that happened on a fake engine, in the form of `GET /events`.
struct FakeEvent: Sendable {
    let type: String
    let action: String
    let id: String
    let attributes: [String: String]
    let nanoseconds: Int64

    init(_ type: String, _ action: String, id: String, attributes: [String: String] = [:]) {
        self.type = type
        self.action = action
        self.id = id
        self.attributes = attributes
        nanoseconds = FakeClock.nanoseconds
    }

    var json: JSONValue {
        [
            "Type": .string(type),
            "Action": .string(action),
            "Actor": ["ID": .string(id), "Attributes": JSONValue(attributes)],
            "scope": "local",
            "time": .integer(nanoseconds / 1_000_000_000),
            "timeNano": .integer(nanoseconds),
        ]
    }

    /// Whether it passes the filters of the request: the values of one filter are alternatives, but for labels.
    func passes(_ filters: [String: [String]]) -> Bool {
        filters.allSatisfy { name, values in
            switch name {
            case "type": values.contains(type)
            case "event": values.contains(action)
            case "container", "image", "network", "volume":
                type == name && values.contains { $0 == id || $0 == attributes["name"] }
            case "label": LabelMatch.all(values, of: attributes)
            default: true
            }
        }
    }
}

enum FakeClock {
    /// Since 1970.
    static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Reads `seconds[.fraction]`, the form of `since` and `until`.
    static func nanoseconds(of text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard let first = parts.first, let seconds = Int64(first) else { return nil }
        guard parts.count == 2 else { return seconds * 1_000_000_000 }
        let digits = parts[1].prefix(9)
        guard let fraction = Int64(digits + String(repeating: "0", count: 9 - digits.count)) else { return nil }
        return seconds * 1_000_000_000 + fraction
    }

    static func text(_ nanoseconds: Int64) -> String {
        let date = Date(timeIntervalSince1970: TimeInterval(nanoseconds / 1_000_000_000))
        let fraction = String(nanoseconds % 1_000_000_000 + 1_000_000_000).dropFirst()
        return date.formatted(.iso8601).replacing("Z", with: ".\(fraction)Z")
    }

    static var now: String { text(nanoseconds) }
}

/// The label filter of every list: all values must match, `key` alone or `key=value`.
enum LabelMatch {
    static func all(_ filters: [String], of labels: [String: String]) -> Bool {
        filters.allSatisfy { filter in
            let parts = filter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return parts.count == 1 ? labels[parts[0]] != nil : labels[parts[0]] == parts[1]
        }
    }
}
