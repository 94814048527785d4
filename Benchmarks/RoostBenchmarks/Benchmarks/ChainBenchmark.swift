import RoostTesting

/// Ten steps of which each needs the one before: what comes between two steps adds up.
struct ChainBenchmark {
    let workbench: Workbench

    /// How long a step works that works at all.
    private static let work = Duration.milliseconds(500)

    private var names: [String] { (1...workbench.amount(10, quick: 3)).map { "step\($0)" } }

    func run() async throws -> BenchmarkResult {
        try await workbench.withImage("chain", try TestImage.busybox, body: compare)
    }

    private func compare(_ image: EngineImage) async throws -> BenchmarkResult {
        let idle = try roost(image, ["true"], "chain-idle.toml")
        let working = try roost(image, ["sleep", "0.5"], "chain-working.toml")
        let idlePeer = try await loop(image, ["true"])
        let workingPeer = try await loop(image, ["sleep", "0.5"])
        let count = names.count
        let timings = try await workbench.contest(.chain, rounds: 7).hold([
            Contestant("`roost run`, \(count) steps of `true`") { try await idle.time() },
            Contestant("`docker run --rm` of `true`, \(count) in a loop") { try await idlePeer.time() },
            Contestant("`roost run`, \(count) steps of `sleep 0.5`") { try await working.time() },
            Contestant("`docker run --rm` of `sleep 0.5`, \(count) in a loop") { try await workingPeer.time() },
        ])
        let work = Timings(
            name: "the work, \(count) times 0.5 s",
            times: timings[2].times.map { _ in Self.work * count }
        )
        return BenchmarkResult(
            name: BenchmarkName.chain.rawValue,
            work: "\(count) containers, one after another; same image, limits, mount, init and log driver.",
            timings: timings,
            comparisons: [
                Comparison(timings[0], against: timings[1], target: 0.35),
                Comparison(timings[2], against: timings[3]),
                Comparison(timings[2], against: work, target: 1.1),
                Comparison(timings[3], against: work, as: "the same, for the `docker run --rm` loop"),
            ]
        )
    }

    private func roost(_ image: EngineImage, _ command: [String], _ file: String) throws -> Program {
        let steps = PipelineText.chain(of: names) { _ in command }
        return try workbench.roost(
            "run",
            PipelineText(name: "chain", image: image.reference, stages: [steps]),
            as: file
        )
    }

    private func loop(_ image: EngineImage, _ command: [String]) async throws -> Program {
        let flags = try await workbench.peerFlags()
        return workbench.shell(
            #"for step in \#(names.joined(separator: " ")); do "$0" run --rm "$@" || exit; done"#,
            flags + [image.id] + command
        )
    }
}
