import Configuration
import Foundation
import Pipeline
import RoostCore
import Synchronization

/// Settings are wrong: all that is wrong, with the place of each.
struct SettingsError: ExitCoded, CustomStringConvertible {
    let problems: [String]
    let exitCode: Int32 = 2

    var description: String { "settings are wrong:\n" + problems.map { "  \($0)" }.joined(separator: "\n") }
}

/// Finds the value of each setting: command line, environment, the user's file, the system's file, default.
enum SettingsLoader {
    static let systemFile = "/etc/roost/config.toml"

    /// The settings of this call.
    ///
    /// - Throws: ``SettingsError`` with all that is wrong in files and environment.
    static func load(
        pulling: PullSettingsOptions? = nil,
        maxParallel: Int? = nil,
        memoryBudget: String? = nil,
        keeping: KeepRunsOptions? = nil,
        permissions: PermissionOptions? = nil,
        color: ColorChoice? = nil
    ) throws -> Settings {
        var given: [SettingKey: String] = [:]
        given[.maxConcurrentPulls] = pulling?.maxConcurrentPulls.map(String.init)
        given[.pullTimeout] = pulling?.pullTimeout
        given[.offline] = pulling?.offline == true ? "true" : nil
        given[.maxParallel] = maxParallel.map(String.init)
        given[.memoryBudget] = memoryBudget
        given[.keepRuns] = keeping?.keepRuns.map(String.init)
        given[.keepRunsFor] = keeping?.keepRunsFor
        given[.allowPrivileged] = permissions?.allowPrivileged == true ? "true" : nil
        given[.allowHostNetwork] = permissions?.allowHostNetwork == true ? "true" : nil
        given[.color] = color?.rawValue
        return try resolve(given: given).settings
    }

    /// Every setting with where its value comes from.
    ///
    /// - Parameters:
    ///   - given: What the command line gives, as text.
    ///   - environment: `ROOST_*`, and what `RoostFolders` reads.
    ///   - systemFile: The system's file.
    /// - Returns: The settings, each with its source.
    /// - Throws: ``SettingsError`` with all that is wrong.
    static func resolve(
        given: [SettingKey: String] = [:],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        systemFile: String = systemFile
    ) throws -> ResolvedSettings {
        let folder = RoostFolders(environment: environment).configuration
        let userFile = folder.appending(path: "config.toml", directoryHint: .notDirectory).path(percentEncoded: false)
        let variables = SettingKey.allCases.reduce(into: [SettingKey: String]()) { found, key in
            // A variable set to nothing says nothing, as NO_COLOR has it.
            found[key] = environment[key.variable].flatMap { $0.isEmpty ? nil : $0 }
        }
        var problems: [String] = []
        let commandLine = layer(.commandLine, given, name: \.option, &problems)
        let environmentLayer = layer(.environment, variables, name: \.variable, &problems)
        let user = SettingsFile.read(.userFile(userFile), path: userFile)
        let system = SettingsFile.read(.systemFile(systemFile), path: systemFile)
        problems += (user.diagnostics + system.diagnostics).map(\.description)
        guard problems.isEmpty else { throw SettingsError(problems: problems) }

        let processors = ProcessInfo.processInfo.activeProcessorCount
        let standard = SettingsLayer(
            .standard,
            values: Dictionary(
                uniqueKeysWithValues: SettingKey.allCases.map { ($0, $0.standard(processors: processors)) }
            )
        )
        return try ResolvedSettings(layers: [commandLine, environmentLayer, user.layer, system.layer, standard])
    }

    private static func layer(
        _ place: SettingsLayer.Place,
        _ texts: [SettingKey: String],
        name: (SettingKey) -> String,
        _ problems: inout [String]
    ) -> SettingsLayer {
        var layer = SettingsLayer(place)
        for key in SettingKey.allCases {
            guard let text = texts[key] else { continue }
            do throws(SettingValue.Mismatch) {
                layer.set(key, try SettingValue(parsing: text, for: key))
            } catch {
                problems.append("\(name(key)): \(error)")
            }
        }
        return layer
    }
}

/// The settings with the source of each.
struct ResolvedSettings: Sendable {
    struct Entry: Sendable {
        let key: SettingKey
        let value: SettingValue
        let place: SettingsLayer.Place
        /// What of that place sets it; `nil` for a default.
        let origin: String?
    }

    let settings: Settings
    /// In the order of ``SettingKey``.
    let entries: [Entry]
    /// The files that were looked for, the user's first.
    let files: [SettingsLayer.Place]

    /// Looks each setting up in the layers, the first that has it wins.
    ///
    /// - Throws: swift-configuration's error where no layer has a setting.
    init(layers: [SettingsLayer]) throws {
        let reporter = AnsweredBy()
        let reader = ConfigReader(providers: layers, accessReporter: reporter)
        settings = Settings(
            maxConcurrentPulls: try reader.requiredInt(forKey: SettingKey.maxConcurrentPulls.configKey),
            pullTimeout: .milliseconds(try reader.requiredInt(forKey: SettingKey.pullTimeout.configKey)),
            offline: try reader.requiredBool(forKey: SettingKey.offline.configKey),
            maxParallel: try reader.requiredInt(forKey: SettingKey.maxParallel.configKey),
            memoryBudget: MemoryBudget(parsing: try reader.requiredString(forKey: SettingKey.memoryBudget.configKey))
                ?? .standard,
            keepRuns: try reader.requiredInt(forKey: SettingKey.keepRuns.configKey),
            keepRunsFor: .milliseconds(try reader.requiredInt(forKey: SettingKey.keepRunsFor.configKey)),
            policy: OperatorPolicy(
                Set(try OperatorPermission.allCases.filter { try reader.requiredBool(forKey: $0.settingKey.configKey) })
            ),
            color: try reader.requiredString(forKey: SettingKey.color.configKey, as: ColorChoice.self)
        )
        let answers = reporter.answers
        entries = SettingKey.allCases.compactMap { key in
            guard let layer = layers.first(where: { $0.providerName == answers[key.rawValue] }),
                let value = layer.values[key]
            else { return nil }
            return Entry(key: key, value: value, place: layer.place, origin: layer.origin(of: key))
        }
        files = layers.map(\.place).filter {
            switch $0 {
            case .userFile, .systemFile: true
            case .commandLine, .environment, .standard: false
            }
        }
    }
}

/// Notes which provider had each key's value.
private final class AnsweredBy: AccessReporter {
    private let names = Mutex<[String: String]>([:])

    var answers: [String: String] { names.withLock { $0 } }

    func report(_ event: AccessEvent) {
        // The last provider that was asked is the one that answered.
        guard let name = event.providerResults.last?.providerName else { return }
        names.withLock { $0[event.metadata.key.components.joined(separator: ".")] = name }
    }
}

extension OperatorPermission {
    /// The setting that gives it.
    var settingKey: SettingKey {
        switch self {
        case .privileged: .allowPrivileged
        case .hostNetwork: .allowHostNetwork
        }
    }
}

extension SettingKey {
    fileprivate var configKey: ConfigKey { ConfigKey([rawValue]) }
}
