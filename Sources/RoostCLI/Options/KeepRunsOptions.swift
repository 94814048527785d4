import ArgumentParser

/// How much of earlier runs is kept.
struct KeepRunsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Of how many runs the logs and reports are kept, this one included.",
            discussion: "Those of older runs are removed when this one has ended.",
            valueName: "count"
        )
    )
    var keepRuns: Int?

    @Option(
        help: ArgumentHelp(
            "How long the logs and reports of a run are kept, such as 12h or 30d.",
            valueName: "duration"
        )
    )
    var keepRunsFor: String?
}
