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

    @Flag(
        help: ArgumentHelp(
            "Do little work, once: shows that the benchmarks work.",
            discussion: "scripts/bench then takes a debug build. The figures mean nothing."
        )
    )
    var quick = false

    func validate() throws {
        guard rounds.map({ $0 > 0 }) ?? true else { throw ValidationError("--rounds must be at least 1.") }
        guard !quick || markdown == nil else {
            throw ValidationError("figures of --quick mean nothing: they can't be written with --markdown.")
        }
    }

    func run() async throws {
        let document = markdown.map(MarkdownFile.init)
        _ = try TestEnvironment.requireEngine()
        try await RoostSandbox.with { sandbox in
            let workbench = try await Workbench(sandbox, rounds: rounds, isQuick: quick, note: Self.note)
            let facts = try await MachineFacts.read(workbench)
            try show(ResultText.machine(facts, at: .now), as: "machine", in: document)
            for name in BenchmarkName.allCases where only.isEmpty || only.contains(name) {
                let before = MachineFacts.load
                let result = try await workbench.run(name)
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
