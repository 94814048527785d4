import Foundation
import RoostCore

/// What `roost config show` prints: each setting with where its value comes from.
struct SettingsReport: Sendable {
    /// The name and version of the JSON form.
    static let schema = "roost.config/1"

    let resolved: ResolvedSettings

    /// A table for people.
    func text() -> String {
        let rows = resolved.entries.map { entry in
            (entry.key.rawValue, entry.value.text, entry.origin ?? "default")
        }
        let keys = rows.reduce(0) { max($0, $1.0.count) }
        let values = rows.reduce(0) { max($0, $1.1.count) }
        var lines = rows.map { key, value, origin in
            DisplayWidth.fit(key, keys, ellipsis: "") + "  " + DisplayWidth.fit(value, values, ellipsis: "") + "  "
                + TextSanitizer.plain(origin)
        }
        lines.append("")
        for file in files {
            let state = file.isPresent ? "read" : "not there"
            lines.append("\(file.role == "user_file" ? "user's" : "system's") file: \(file.path) (\(state))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// `roost.config/1`, its keys sorted, ended by a line break.
    ///
    /// - Throws: `EncodingError`, which no settings lead to.
    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let wire = Wire(
            schema: Self.schema,
            settings: resolved.entries.map(Wire.Setting.init),
            files: files.map { Wire.File(path: $0.path, role: $0.role, present: $0.isPresent) }
        )
        return [UInt8](try encoder.encode(wire)) + [UInt8(ascii: "\n")]
    }

    private var files: [(role: String, path: String, isPresent: Bool)] {
        resolved.files.compactMap { place in
            switch place {
            case .userFile(let path), .systemFile(let path):
                (place.name, path, FileManager.default.fileExists(atPath: path))
            case .commandLine, .environment, .standard: nil
            }
        }
    }
}

extension SettingsLayer.Place {
    /// The name in JSON.
    fileprivate var name: String {
        switch self {
        case .commandLine: "flag"
        case .environment: "environment"
        case .userFile: "user_file"
        case .systemFile: "system_file"
        case .standard: "default"
        }
    }
}

private struct Wire: Encodable {
    struct Setting: Encodable {
        let key: String
        let value: SettingValue
        let unit: String?
        let source: String
        let origin: String?

        private enum CodingKeys: String, CodingKey { case key, value, unit, source, origin }

        init(_ entry: ResolvedSettings.Entry) {
            key = entry.key.rawValue
            value = entry.value
            unit = if case .duration = entry.value { "ms" } else { nil }
            source = entry.place.name
            origin = entry.origin
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(key, forKey: .key)
            switch value {
            case .number(let number): try container.encode(number, forKey: .value)
            case .duration(let duration): try container.encode(duration.wholeMilliseconds, forKey: .value)
            case .flag(let flag): try container.encode(flag, forKey: .value)
            case .budget(let budget): try container.encode(budget.written, forKey: .value)
            case .word(let word): try container.encode(word, forKey: .value)
            }
            try container.encodeIfPresent(unit, forKey: .unit)
            try container.encode(source, forKey: .source)
            try container.encodeIfPresent(origin, forKey: .origin)
        }
    }

    struct File: Encodable {
        let path: String
        let role: String
        let present: Bool
    }

    let schema: String
    let settings: [Setting]
    let files: [File]
}
