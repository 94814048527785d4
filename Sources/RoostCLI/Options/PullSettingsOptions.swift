import ArgumentParser

/// How images are pulled.
struct PullSettingsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How many images are pulled at once.",
            discussion: "The engine downloads three layers at a time by itself, whatever this says.",
            valueName: "count"
        )
    )
    var maxConcurrentPulls: Int?

    @Option(
        help: ArgumentHelp("How long one attempt to pull an image may take, such as 90s or 1h.", valueName: "duration")
    )
    var pullTimeout: String?

    @Flag(help: "Ask no registry for anything; an image that the engine lacks is an error.")
    var offline = false
}
