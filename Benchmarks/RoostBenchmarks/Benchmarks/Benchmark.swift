import ArgumentParser

/// Which benchmark.
enum BenchmarkName: String, CaseIterable, ExpressibleByArgument {
    case pull
    case wide
    case chain
    case gap
    case logs
    case thousand
    case start
}

extension Workbench {
    /// Does a benchmark's work.
    ///
    /// - Returns: What it found.
    /// - Throws: What keeps it from being measured.
    func run(_ name: BenchmarkName) async throws -> BenchmarkResult {
        switch name {
        case .pull: try await PullBenchmark(workbench: self).run()
        case .wide: try await WideBenchmark(workbench: self).run()
        case .chain: try await ChainBenchmark(workbench: self).run()
        case .gap: try await GapBenchmark(workbench: self).run()
        case .logs: try await LogsBenchmark(workbench: self).run()
        case .thousand: try await ThousandBenchmark(workbench: self).run()
        case .start: try await StartBenchmark(workbench: self).run()
        }
    }
}
