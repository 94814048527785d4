import Foundation
import Pipeline
import RoostCore
import Testing

@testable import RoostCLI

@Suite("Settings and where they come from")
struct SettingsTests {
    /// A folder with a user's and a system's file.
    private final class Place {
        let path: String
        var environment: [String: String]

        init(user: String? = nil, system: String? = nil) throws {
            path = NSTemporaryDirectory() + "roost-settings-\(UUID().uuidString)"
            environment = ["ROOST_HOME": path]
            try FileManager.default.createDirectory(atPath: path + "/config", withIntermediateDirectories: true)
            if let user { try Data(user.utf8).write(to: URL(filePath: path + "/config/config.toml")) }
            if let system { try Data(system.utf8).write(to: URL(filePath: path + "/system.toml")) }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func resolve(_ given: [SettingKey: String] = [:]) throws -> ResolvedSettings {
            try SettingsLoader.resolve(given: given, environment: environment, systemFile: path + "/system.toml")
        }

        func problems(_ given: [SettingKey: String] = [:]) -> [String] {
            do {
                _ = try resolve(given)
                return []
            } catch {
                return (error as? SettingsError)?.problems.map { $0.replacing(path, with: "") } ?? ["\(error)"]
            }
        }

        func origin(_ key: SettingKey, _ resolved: ResolvedSettings) -> String? {
            resolved.entries.first { $0.key == key }?.origin?.replacing(path, with: "")
        }
    }

    @Test("without files and variables all is as documented")
    func defaults() throws {
        let resolved = try Place().resolve()
        #expect(
            resolved.settings
                == Settings(
                    maxConcurrentPulls: 4,
                    pullTimeout: .seconds(1800),
                    offline: false,
                    maxParallel: max(ProcessInfo.processInfo.activeProcessorCount, 4),
                    memoryBudget: .share(percent: 80),
                    keepRuns: 50,
                    keepRunsFor: .seconds(30 * 86_400),
                    policy: OperatorPolicy(),
                    color: .auto
                )
        )
        #expect(resolved.entries.map(\.key) == SettingKey.allCases)
        #expect(resolved.entries.allSatisfy { $0.origin == nil && $0.place == .standard })
    }

    @Test("the command line wins over the environment, that over the user's file, that over the system's")
    func precedence() throws {
        let all = SettingKey.maxParallel
        let place = try Place(user: "# mine\nmax_parallel = 3\n", system: "max_parallel = 2\noffline = true\n")
        place.environment[all.variable] = "4"

        var resolved = try place.resolve([all: "5"])
        #expect(resolved.settings.maxParallel == 5)
        #expect(place.origin(all, resolved) == "--max-parallel")

        resolved = try place.resolve()
        #expect(resolved.settings.maxParallel == 4)
        #expect(place.origin(all, resolved) == "ROOST_MAX_PARALLEL")

        place.environment[all.variable] = ""
        resolved = try place.resolve()
        #expect(resolved.settings.maxParallel == 3)
        #expect(place.origin(all, resolved) == "/config/config.toml:2")

        try FileManager.default.removeItem(atPath: place.path + "/config/config.toml")
        resolved = try place.resolve()
        #expect(resolved.settings.maxParallel == 2)
        #expect(place.origin(all, resolved) == "/system.toml:1")
        #expect(resolved.settings.offline)
    }

    @Test("every setting is read from every place", arguments: SettingKey.allCases)
    func everyPlace(key: SettingKey) throws {
        let texts: [SettingKey: (file: String, value: SettingValue)] = [
            .maxConcurrentPulls: ("7", .number(7)), .maxParallel: ("7", .number(7)),
            .pullTimeout: ("\"90s\"", .duration(.seconds(90))), .offline: ("true", .flag(true)),
            .keepRuns: ("7", .number(7)), .keepRunsFor: ("\"7d\"", .duration(.seconds(7 * 86_400))),
            .allowPrivileged: ("true", .flag(true)), .allowHostNetwork: ("true", .flag(true)),
            .memoryBudget: ("\"50%\"", .budget(.share(percent: 50))), .color: ("\"never\"", .word("never")),
        ]
        let (file, value) = try #require(texts[key])
        let text = file.replacing("\"", with: "")
        let place = try Place(user: "\(key.rawValue) = \(file)\n")
        #expect(try place.resolve().entries.first { $0.key == key }?.value == value)
        #expect(try Place().resolve([key: text]).entries.first { $0.key == key }?.value == value)
        let other = try Place()
        other.environment[key.variable] = text
        #expect(try other.resolve().entries.first { $0.key == key }?.value == value)
    }

    @Test("an unknown key names the nearest known one, a wrong value its file and line; all are told at once")
    func wrongFiles() throws {
        let place = try Place(
            user: "max_paralel = 3\npull_timeout = \"soon\"\n\ncolor = \"pink\"\noffline = 1\n",
            system: "max_concurrent_pulls = 0\n"
        )
        place.environment["ROOST_MAX_PARALLEL"] = "many"
        let problems = place.problems([.pullTimeout: "0s"])
        #expect(problems.count == 7)
        #expect(problems[0] == "--pull-timeout: expected a duration above zero such as 90s, 30m or 1h30m, found \"0s\"")
        #expect(problems[1] == "ROOST_MAX_PARALLEL: expected a whole number from 1 to 1000, found \"many\"")
        #expect(problems[2].hasPrefix("/config/config.toml:1:1: error: max_paralel: "))
        #expect(problems[2].contains("max_parallel"))
        #expect(problems[3].hasPrefix("/config/config.toml:2:1: error: pull_timeout: expected a duration"))
        #expect(problems[4].hasPrefix("/config/config.toml:4:1: error: color: expected one of \"auto\""))
        #expect(problems[5].hasPrefix("/config/config.toml:5:1: error: offline: expected true or false"))
        #expect(problems[6].hasPrefix("/system.toml:1:1: error: max_concurrent_pulls: expected a whole number"))
    }

    @Test("a file that is no TOML, no UTF-8 or no file at all is told by name")
    func unreadable() throws {
        #expect(try Place(user: "max_parallel = \n").problems().first?.hasPrefix("/config/config.toml:1:") == true)
        let binary = try Place()
        try Data([0xFF, 0xFE]).write(to: URL(filePath: binary.path + "/config/config.toml"))
        #expect(binary.problems() == ["/config/config.toml: error: is not UTF-8"])
        let folder = try Place()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/config/config.toml",
            withIntermediateDirectories: false
        )
        #expect(folder.problems().first?.hasPrefix("/config/config.toml: error: can't be read: ") == true)
    }

    @Test("the report tells each value with its source, as text and as JSON")
    func report() throws {
        let place = try Place(user: "max_parallel = 3\npull_timeout = \"90s\"\n")
        place.environment["ROOST_OFFLINE"] = "yes"
        let report = SettingsReport(resolved: try place.resolve())
        #expect(
            report.text().replacing(place.path, with: "") == """
                max_concurrent_pulls  4        default
                pull_timeout          1m30s    /config/config.toml:2
                offline               true     ROOST_OFFLINE
                max_parallel          3        /config/config.toml:1
                memory_budget         80%      default
                keep_runs             50       default
                keep_runs_for         720h00m  default
                allow_privileged      false    default
                allow_host_network    false    default
                color                 auto     default

                user's file: /config/config.toml (read)
                system's file: /system.toml (not there)

                """
        )
        let json = String(decoding: try report.json(), as: UTF8.self).replacing(place.path, with: "")
        #expect(json.contains("\"schema\" : \"roost.config/1\""))
        #expect(
            json.contains(
                """
                    {
                      "key" : "pull_timeout",
                      "origin" : "/config/config.toml:2",
                      "source" : "user_file",
                      "unit" : "ms",
                      "value" : 90000
                    },
                    {
                      "key" : "offline",
                      "origin" : "ROOST_OFFLINE",
                      "source" : "environment",
                      "value" : true
                    },
                """
            )
        )
        #expect(json.contains("\"source\" : \"default\",\n      \"value\" : 4"))
    }
}
