import Configuration
import Foundation
import RoostCore

/// The settings that one place gives: the command line, the environment, a file, or Roost itself.
///
/// A provider of swift-configuration, which looks through the layers in their order and tells which one answered.
struct SettingsLayer: Sendable {
    enum Place: Hashable, Sendable {
        case commandLine
        case environment
        case userFile(String)
        case systemFile(String)
        case standard
    }

    let place: Place
    private(set) var values: [SettingKey: SettingValue] = [:]
    /// The lines where a file sets them.
    private(set) var lines: [SettingKey: Int] = [:]

    init(_ place: Place, values: [SettingKey: SettingValue] = [:]) {
        self.place = place
        self.values = values
    }

    mutating func set(_ key: SettingKey, _ value: SettingValue, line: Int? = nil) {
        values[key] = value
        lines[key] = line
    }

    /// What of this place sets a key, for people: `--offline`, `ROOST_OFFLINE`, `/etc/roost/config.toml:3`.
    func origin(of key: SettingKey) -> String? {
        switch place {
        case .commandLine: key.option
        case .environment: key.variable
        case .userFile(let path), .systemFile(let path): lines[key].map { "\(path):\($0)" } ?? path
        case .standard: nil
        }
    }
}

extension SettingsLayer: ConfigProvider, ConfigSnapshot {
    var providerName: String { "\(place)" }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let name = key.components.joined(separator: ".")
        guard let known = SettingKey(rawValue: name), let value = values[known] else {
            return LookupResult(encodedKey: name, value: nil)
        }
        let content: ConfigContent? =
            switch (value, type) {
            case (.number(let number), .int): .int(number)
            case (.duration(let duration), .int): .int(Int(duration.wholeMilliseconds))
            case (.flag(let flag), .bool): .bool(flag)
            case (.budget(let budget), .string): .string(budget.written)
            case (.word(let word), .string): .string(word)
            default: nil
            }
        guard let content else { throw WrongType(name: name, type: type) }
        return LookupResult(encodedKey: name, value: ConfigValue(content, isSecret: false))
    }

    /// A key was asked for as a type that its values do not have.
    struct WrongType: Error {
        let name: String
        let type: ConfigType
    }

    func fetchValue(forKey key: AbsoluteConfigKey, type: ConfigType) async throws -> LookupResult {
        try value(forKey: key, type: type)
    }

    nonisolated(nonsending) func watchValue<Return: ~Copyable>(
        forKey key: AbsoluteConfigKey,
        type: ConfigType,
        updatesHandler:
            nonisolated(nonsending) (
                _ updates: ConfigUpdatesAsyncSequence<Result<LookupResult, any Error>, Never>
            ) async throws -> Return
    ) async throws -> Return {
        try await watchValueFromValue(forKey: key, type: type, updatesHandler: updatesHandler)
    }

    func snapshot() -> any ConfigSnapshot { self }

    nonisolated(nonsending) func watchSnapshot<Return: ~Copyable>(
        updatesHandler:
            nonisolated(nonsending) (_ updates: ConfigUpdatesAsyncSequence<any ConfigSnapshot, Never>) async throws ->
            Return
    ) async throws -> Return {
        try await watchSnapshotFromSnapshot(updatesHandler: updatesHandler)
    }
}
