import ArgumentParser

/// `roost config`: what is set, and where.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show what is set, and where.",
        subcommands: [ConfigShow.self],
        defaultSubcommand: ConfigShow.self
    )
}

/// `roost config show`
struct ConfigShow: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show each setting with its value and where that comes from.",
        discussion: """
            A setting is taken from the first of these that has it: the command's own option, the environment \
            (ROOST_…), the user's file ($XDG_CONFIG_HOME/roost/config.toml, by default ~/.config/roost/config.toml, or \
            config/config.toml under ROOST_HOME), the system's file (/etc/roost/config.toml), the default.

            SETTINGS
            \(SettingKey.allCases.map { "  \($0.rawValue): \($0.summary)" }.joined(separator: "\n"))

            EXAMPLE
              $ cat ~/.config/roost/config.toml
              max_concurrent_pulls = 8
              $ ROOST_OFFLINE=true roost config show
            """
    )

    @Option(help: "text or json (roost.config/1).")
    var format: Format = .text

    func run() async throws {
        let report = SettingsReport(resolved: try SettingsLoader.resolve())
        switch format {
        case .text: try OutputWriter.standardOutput.enqueue(report.text())
        case .json: try OutputWriter.standardOutput.enqueue(report.json())
        }
        try await OutputWriter.standardOutput.flush()
    }
}
