import Foundation

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
