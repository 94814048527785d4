import ArgumentParser
import Foundation
import RoostTesting

/// Runs Roost and Docker's command line on the same work, in turn, and compares their times.
@main
struct BenchmarkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "RoostBenchmarks",
        abstract: "Measures Roost against Docker's command line.",
        discussion: "Needs what scripts/bench starts: run `make bench BENCH_FLAGS=\"--only wide\"`."
    )

    @Option(help: ArgumentHelp("Run this benchmark; may be given again. Without it, all run.", valueName: "name"))
    var only: [BenchmarkName] = []

    @Option(help: ArgumentHelp("How often each works, instead of the benchmark's own number.", valueName: "count"))
    var rounds: Int?

    @Option(
        help: ArgumentHelp(
            "Write the figures into this document, between its lines <!-- NAME --> and <!-- /NAME -->.",
            valueName: "file"
        )
    )
    var markdown: String?

    func validate() throws {
        guard rounds.map({ $0 > 0 }) ?? true else { throw ValidationError("--rounds must be at least 1.") }
    }

    func run() async throws {
        let document = markdown.map(MarkdownFile.init)
        _ = try TestEnvironment.requireEngine()
        try await RoostSandbox.with { sandbox in
            let workbench = try await Workbench(sandbox, rounds: rounds, note: Self.note)
            let facts = try await MachineFacts.read(docker: workbench.docker, roost: workbench.roost)
            try show(ResultText.machine(facts, at: .now), as: "machine", in: document)
            for name in BenchmarkName.allCases where only.isEmpty || only.contains(name) {
                let before = MachineFacts.load
                let result =
                    switch name {
                    case .pull: try await PullBenchmark(workbench: workbench).run()
                    case .wide: try await WideBenchmark(workbench: workbench).run()
                    case .start: try await StartBenchmark(workbench: workbench).run()
                    }
                let text = ResultText.text(result, at: .now, load: (before, MachineFacts.load))
                try show(text, as: result.name, in: document)
            }
        }
    }

    private func show(_ text: String, as name: String, in document: MarkdownFile?) throws {
        print("## \(name)\n\n\(text)\n")
        try document?.replace(name, with: text)
    }

    @Sendable private static func note(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }
}
