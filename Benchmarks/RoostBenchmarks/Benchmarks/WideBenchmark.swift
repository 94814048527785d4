import Foundation
import RoostTesting

/// Twenty steps that do nothing, all at once: what a container costs.
struct WideBenchmark {
    let workbench: Workbench

    private static let width = 20

    func run() async throws -> BenchmarkResult {
        let registry = try TestEnvironment.requireRegistry()
        let image = try TestImage.busybox
        let name = UniqueName.make("wide")
        let reference = "\(registry)/\(name):1"
        try await image.push(to: registry, repository: name, tag: "1")
        _ = try await workbench.docker("pull", reference).output()
        let result: BenchmarkResult
        do {
            result = try await compare(reference, imageID: image.configurationDigest)
        } catch {
            _ = try? await workbench.docker("image", "rm", reference).output()
            throw error
        }
        _ = try await workbench.docker("image", "rm", reference).output()
        return result
    }

    private func compare(_ reference: String, imageID: String) async throws -> BenchmarkResult {
        try workbench.sandbox.write(pipeline(reference), to: "roost.toml")
        let reportPath = workbench.sandbox.directory.path("report.json")
        let roost = workbench.roost("run", "--report", reportPath)
        let flags = try await peerFlags()
        let docker = workbench.shell(
            #"seq \#(Self.width) | xargs -P\#(Self.width) -I{} "$0" run --rm "$@""#,
            flags + [imageID, "true"]
        )
        let phases = PhaseBook()
        let timings = try await workbench.contest(.wide, rounds: 11).hold([
            Contestant("`roost run`, \(Self.width) steps") {
                let time = try await roost.time()
                try phases.add(reportPath, wall: time)
                return time
            },
            Contestant("`docker run --rm`, \(Self.width) by `xargs -P\(Self.width)`") { try await docker.time() },
        ])
        return BenchmarkResult(
            name: BenchmarkName.wide.rawValue,
            work:
                "\(Self.width) containers at once, each running `true`; same image, limits, mount, init and log driver.",
            timings: timings,
            comparisons: [Comparison(timings[0], against: timings[1], target: 1)],
            details: [phases.detail]
        )
    }

    private func pipeline(_ reference: String) -> String {
        let steps = (1...Self.width).map { number in
            """
            [stages.wide.steps.step\(number)]
            image = "\(reference)"
            command = ["true"]
            """
        }
        let head = """
            stages_order = ["wide"]
            [pipeline]
            name = "wide"
            memory = "512mb"
            max_parallel = \(Self.width)
            """
        return ([head] + steps).joined(separator: "\n") + "\n"
    }

    /// What Roost sets for a step's container, in the words of Docker's command line.
    private func peerFlags() async throws -> [String] {
        let limitsSwap = try await workbench.docker("info", "--format", "{{.SwapLimit}}").output().hasPrefix("true")
        return ["--memory", "512m"] + (limitsSwap ? ["--memory-swap", "512m"] : []) + [
            "--init", "--workdir", "/workspace",
            "--mount", "type=bind,source=\(workbench.sandbox.project),target=/workspace",
            "--log-driver", "local",
            "--log-opt", "max-size=10g", "--log-opt", "max-file=2", "--log-opt", "compress=false",
        ]
    }
}

/// Where Roost's own reports say that the time went.
final class PhaseBook {
    private struct Report: Decodable {
        struct Stage: Decodable { let steps: [Step] }
        struct Step: Decodable { let phases: [String: Double] }
        let durationMs: Double
        let stages: [Stage]

        enum CodingKeys: String, CodingKey {
            case durationMs = "duration_ms"
            case stages
        }
    }

    private var milliseconds: [String: [Double]] = [:]
    private var runs: [Double] = []
    private var outside: [Double] = []

    /// - Parameters:
    ///   - path: A run's report.
    ///   - wall: How long the whole program took.
    /// - Throws: The failure to read the report.
    func add(_ path: String, wall: Duration) throws {
        let report = try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(filePath: path)))
        runs.append(report.durationMs)
        outside.append(wall / .milliseconds(1) - report.durationMs)
        for phases in report.stages.flatMap(\.steps).map(\.phases) {
            for (phase, time) in phases { milliseconds[phase, default: []].append(time) }
        }
    }

    var detail: BenchmarkResult.Detail {
        let order = ["resolve_ms", "wait_ms", "pull_ms", "create_ms", "start_ms", "run_ms", "cleanup_ms"]
        let phases = order.compactMap { key in milliseconds[key].map { (String(key.dropLast(3)), $0) } }
        let rows = phases + [("the run, without the program's own start and end", runs), ("outside the run", outside)]
        return BenchmarkResult.Detail(
            title: "A step's phases, as `--report` tells them, over all steps of all runs:",
            columns: ["phase", "median", "min", "max"],
            rows: rows.map { name, values in
                let spread = Spread(values)
                return [name] + [spread.median, spread.least, spread.most].map { ResultText.time($0 / 1000) }
            }
        )
    }
}
