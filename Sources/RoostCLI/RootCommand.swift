import ArgumentParser

/// `roost`: the verbs, and what people read first.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roost",
        abstract: "Make containers start warm, on any Docker-compatible engine.",
        discussion: """
            Roost runs pipelines of containers: it pulls all their images in parallel before the first container is \
            created, runs steps side by side, and leaves nothing behind.

            EXAMPLE
              roost doctor               is the engine fit for use?
              roost run                  run the pipeline of ./roost.toml
              roost pull alpine:3.20     pull images in parallel

            EXIT CODES
              0    succeeded
              1    a step failed
              2    wrong usage or configuration
              124  a step timed out
              125  the engine or a registry failed
              137  a step ran out of memory
              129, 130, 141, 143  ended by a signal, 128 and its number
            """,
        version: RoostVersion.current,
        subcommands: [
            RunCommand.self, PullCommand.self, ValidateCommand.self, PlanCommand.self, LockCommand.self,
            RunsCommand.self, WipeCommand.self, DoctorCommand.self, ReapCommand.self, LeasesCommand.self,
            CacheCommand.self, ConfigCommand.self,
        ]
    )
}

/// The version of this build.
package enum RoostVersion {
    package static let current = "0.1.0"
}
