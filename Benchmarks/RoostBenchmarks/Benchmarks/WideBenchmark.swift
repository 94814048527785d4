import Foundation
import RoostTesting

/// Twenty steps that do nothing, all at once: what a container costs.
struct WideBenchmark {
    let workbench: Workbench

    /// How many containers the peer runs at once: its best is not the same on every machine.
    private static let widths = [2, 4, 8, 20]

    private var steps: Int { workbench.amount(20, quick: 4) }

    func run() async throws -> BenchmarkResult {
        try await workbench.withImage("wide", try TestImage.busybox, body: compare)
    }

    private func compare(_ image: EngineImage) async throws -> BenchmarkResult {
        var pipeline = PipelineText(
            name: "wide",
            image: image.reference,
            stages: [(1...steps).map { PipelineText.Step(name: "step\($0)", command: ["true"]) }]
        )
        pipeline.maxParallel = steps
        let reportPath = workbench.sandbox.directory.path("report.json")
        var roost = try workbench.roost("run", pipeline, as: "wide.toml")
        roost.arguments += ["--report", reportPath]
        let flags = try await workbench.peerFlags()
        let phases = PhaseBook()
        let own = Contestant("`roost run`, \(steps) steps") { [roost] in
            let time = try await roost.time()
            try phases.add(reportPath, wall: time)
            return time
        }
        let peers = Self.widths.filter { $0 <= steps }.map { width in
            let docker = workbench.shell(
                #"seq \#(steps) | xargs -P\#(width) -I{} "$0" run --rm "$@""#,
                flags + [image.id, "true"]
            )
            return Contestant("`docker run --rm`, \(steps) by `xargs -P\(width)`") { try await docker.time() }
        }
        let timings = try await workbench.contest(.wide, rounds: 7).hold([own] + peers)
        let best = timings.dropFirst().min { $0.seconds.median < $1.seconds.median }
        return BenchmarkResult(
            name: BenchmarkName.wide.rawValue,
            work: "\(steps) containers at once, each running `true`; same image, limits, mount, init and log driver.",
            timings: timings,
            comparisons: timings.dropFirst().map { peer in
                Comparison(timings[0], against: peer, target: peer.name == best?.name ? 0.6 : nil)
            },
            details: [phases.detail]
        )
    }
}
