import RoostTesting

/// The time in which nothing works: from a step's exit to the first byte of the step that needed it.
struct GapBenchmark {
    let workbench: Workbench

    private static let milliseconds = "500"

    private var names: [String] { (1...workbench.amount(10, quick: 3)).map { "step\($0)" } }

    func run() async throws -> BenchmarkResult {
        try await workbench.withImage("gap", try TestImage.stamping(), body: compare)
    }

    private func compare(_ image: EngineImage) async throws -> BenchmarkResult {
        let steps = PipelineText.chain(of: names, command: command)
        var pipeline = PipelineText(name: "gap", image: image.reference, stages: [steps])
        let parked = try events(pipeline, "gap.toml")
        pipeline.more = ["park = false"]
        let unparked = try events(pipeline, "gap-unparked.toml")
        let flags = try await workbench.peerFlags()
        let loop = workbench.shell(
            #"for step in \#(names.joined(separator: " ")); do "#
                + #""$0" run --rm "$@" "$step" \#(Self.milliseconds) || exit; done"#,
            flags + [image.id, "stamp"]
        )
        let books = [GapBook(), GapBook(), GapBook()]
        let contestants = [
            ("`roost run`", parked), ("`roost run` with `park = false`", unparked), ("a `docker run --rm` loop", loop),
        ]
        let timings = try await workbench.contest(.gap, rounds: 10).hold(
            zip(contestants, books).map { contestant, book in
                Contestant(contestant.0) {
                    try book.add(StepStamps(in: try await contestant.1.output(), of: names))
                }
            }
        )
        for book in books { book.removeFirst(workbench.isQuick ? 0 : 1) }
        return BenchmarkResult(
            name: BenchmarkName.gap.rawValue,
            work: """
                \(names.count) steps of 0.5 s, each of which needs the one before; the times are a round's median gap. A \
                step tells the kernel's monotonic clock as the first thing that it prints and as the last thing that it does.
                """,
            timings: timings,
            comparisons: [
                Comparison(timings[0], against: timings[2], target: 0.02),
                Comparison(timings[1], against: timings[2], as: "a `docker run --rm` loop, with `park = false`"),
            ],
            limits: [
                Limit("half of the gaps", .seconds(books[0].quantile(0.5)), atMost: .seconds(0.005)),
                Limit("95 % of the gaps", .seconds(books[0].quantile(0.95)), atMost: .seconds(0.020)),
                Limit(
                    "half of the gaps with `park = false`",
                    .seconds(books[1].quantile(0.5)),
                    atMost: .seconds(0.1)
                ),
            ],
            details: [
                BenchmarkResult.Detail(
                    title: "All gaps of all rounds:",
                    columns: ["", "gaps", "half", "95 %", "99 %", "longest"],
                    rows: zip(timings, books).map { timing, book in
                        [timing.name, "\(book.count)"]
                            + [0.5, 0.95, 0.99, 1].map { ResultText.time(book.quantile($0)) }
                    }
                )
            ]
        )
    }

    private func events(_ pipeline: PipelineText, _ file: String) throws -> Program {
        var program = try workbench.roost("run", pipeline, as: file)
        program.arguments += ["--format", "json"]
        return program
    }

    private func command(_ name: String) -> [String] { ["stamp", name, Self.milliseconds] }
}
