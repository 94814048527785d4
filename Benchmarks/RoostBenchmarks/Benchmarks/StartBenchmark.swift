/// How long a command line takes that does nothing.
struct StartBenchmark {
    let workbench: Workbench

    func run() async throws -> BenchmarkResult {
        let roost = workbench.roost("--version")
        let docker = workbench.docker("--version")
        let timings = try await workbench.contest(.start, rounds: 60, warmUps: 3).hold([
            Contestant("`roost --version`") { try await roost.time() },
            Contestant("`docker --version`") { try await docker.time() },
        ])
        return BenchmarkResult(
            name: BenchmarkName.start.rawValue,
            work: "A program that starts, prints its version and ends.",
            timings: timings,
            comparisons: [Comparison(timings[0], against: timings[1], target: 2)]
        )
    }
}
