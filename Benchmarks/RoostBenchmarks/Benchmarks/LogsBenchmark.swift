import Foundation
import RoostCore
import RoostTesting
import Subprocess
import Synchronization

/// Twenty steps that print as fast as they can: how many lines come through, at what cost, and whether all do.
struct LogsBenchmark {
    let workbench: Workbench

    private var steps: Int { workbench.amount(20, quick: 4) }
    private var lines: Int { workbench.amount(100_000, quick: 2000) }
    private var total: Int { steps * lines }

    /// What one way of running and reading came to.
    private struct Reading {
        let name: String
        let cost: MeasuredProgram.Cost
        let ledger: LineLedger
    }

    func run() async throws -> BenchmarkResult {
        try await workbench.withImage("logs", try TestImage.busybox) { image in
            let compose = try await ComposeProject(
                name: "logs",
                services: (0..<steps).map {
                    ComposeProject.Service(
                        name: LineLedger.name($0),
                        command: LineLedger.command(step: $0, lines: lines)
                    )
                },
                image: image.id,
                on: workbench
            )
            do {
                let result = try await compare(image, compose)
                try await compose.down()
                return result
            } catch {
                // Its containers would keep the image from being removed.
                try? await compose.down()
                throw error
            }
        }
    }

    private func compare(_ image: EngineImage, _ compose: ComposeProject) async throws -> BenchmarkResult {
        var pipeline = PipelineText(
            name: "logs",
            image: image.reference,
            stages: [
                (0..<steps).map {
                    PipelineText.Step(
                        name: LineLedger.name($0),
                        command: LineLedger.command(step: $0, lines: lines)
                    )
                }
            ]
        )
        pipeline.maxParallel = steps
        let run = try workbench.roost("run", pipeline, as: "logs.toml")
        let shown = workbench.sandbox.directory.path("shown")
        let roost = try MeasuredProgram(run, on: workbench, into: shown)
        let peer = try MeasuredProgram(compose.up, on: workbench, into: shown)
        var readings: [Reading] = []
        func reading(_ name: String, _ program: MeasuredProgram) async throws -> Duration {
            let cost = try await program.run()
            readings.append(Reading(name: name, cost: cost, ledger: try ledger(ofFile: shown)))
            return cost.time
        }
        let timings = try await workbench.contest(.logs, rounds: 3, warmUps: 0).hold([
            Contestant("`roost run`") { try await reading("`roost run`", roost) },
            Contestant("`docker-compose up`", prepare: { try await compose.down() }) {
                try await reading("`docker-compose up`", peer)
            },
        ])
        let fast = readings.filter { $0.name == timings[0].name }
        let size = try FileManager.default.attributesOfItem(atPath: shown)[.size] as? Int64 ?? 0
        let speed = Double(size) / timings[0].seconds.median
        let slow = try await paced(
            run,
            as: "`roost run`, reader at a tenth of that speed, then at its own",
            .slow(speed / 10)
        )
        let paused = try await paced(run, as: "`roost run`, reader that pauses, then at its own speed", .paused)
        let own = fast + [slow, paused]
        let fastPeak = fast.map(\.cost.peak.bytes).max() ?? 0
        let otherPeak = max(slow.cost.peak.bytes, paused.cost.peak.bytes)
        return BenchmarkResult(
            name: BenchmarkName.logs.rawValue,
            work: """
                \(steps) containers at once, each of which prints \(lines) lines as fast as it can; all that is shown goes to \
                a file, or to a reader of another speed.
                """,
            timings: timings,
            comparisons: [Comparison(timings[0], against: timings[1])],
            limits: [
                Limit(
                    "lines that Roost lost, tore or put in the wrong place, in all runs",
                    .count(own.reduce(0) { $0 + $1.ledger.lost + $1.ledger.wrongCount }),
                    atMost: .count(0)
                ),
                Limit(
                    "Roost's peak memory, more with a slow reader than with a file",
                    .bytes(max(otherPeak - fastPeak, 0)),
                    atMost: .bytes(16 << 20)
                ),
            ],
            details: [table(readings + [slow, paused])]
        )
    }

    private func table(_ readings: [Reading]) -> BenchmarkResult.Detail {
        BenchmarkResult.Detail(
            title: "Each run:",
            columns: ["", "time", "lines a second", "peak memory", "lines lost"],
            rows: readings.map { reading in
                [
                    reading.name, ResultText.time(reading.cost.time / .seconds(1)),
                    "\(Int(Double(total) / (reading.cost.time / .seconds(1))))", "\(reading.cost.peak)",
                    "\(reading.ledger.lost)",
                ]
            }
        )
    }

    // MARK: - Readers

    private enum Pace: Sendable {
        /// So many bytes a second, for ``LogsBenchmark/hindrance``.
        case slow(Double)
        /// None for ``LogsBenchmark/hindrance``, once the first have come.
        case paused
    }

    /// How long a reader is slow: long enough for the steps to print all, if nothing held them back.
    private var hindrance: Duration { workbench.isQuick ? .seconds(1) : .seconds(30) }

    private func paced(_ run: Program, as name: String, _ pace: Pace) async throws -> Reading {
        let ledger = Mutex(LineLedger(steps: steps, lines: lines))
        let program = try MeasuredProgram(run, on: workbench)
        let hindrance = hindrance
        let cost = try await program.run { output in
            let start = ContinuousClock.now
            var hasPaused = false
            for try await chunk in output {
                let count = chunk.withUnsafeBytes { bytes in
                    ledger.withLock { $0.read(bytes) }
                    return bytes.count
                }
                switch pace {
                case .slow(let bytesPerSecond) where .now - start < hindrance:
                    try await ContinuousClock().sleep(for: .seconds(Double(count) / bytesPerSecond))
                case .paused where !hasPaused:
                    hasPaused = true
                    try await ContinuousClock().sleep(for: hindrance)
                default: break
                }
            }
        }
        workbench.note("logs: \(name)")
        return Reading(name: name, cost: cost, ledger: ledger.withLock { $0 })
    }

    private func ledger(ofFile path: String) throws -> LineLedger {
        var ledger = LineLedger(steps: steps, lines: lines)
        try Data(contentsOf: URL(filePath: path), options: .alwaysMapped).withUnsafeBytes { ledger.read($0) }
        return ledger
    }
}
