import Foundation
import RoostTesting

/// Twelve references to six images with a common base, from a registry that is as far away as one on the internet.
struct PullBenchmark {
    let workbench: Workbench

    private static let images = 6
    private static let tags = ["a", "b"]
    private static let layerSize = 40_000_000
    private static let latency = Duration.milliseconds(30)
    private static let bytesPerSecond = 25_000_000

    /// The engine holds images beside those of this benchmark, so that a pull of these may find layers there.
    struct EngineNotEmpty: Error, CustomStringConvertible {
        let images: String
        var description: String { "the benchmark needs an engine without images; this one has\n\(images)" }
    }

    func run() async throws -> BenchmarkResult {
        let registry = try TestEnvironment.requireRegistry()
        let repository = UniqueName.make("pull")
        workbench.note("pull: making \(Self.images) images")
        for number in 1...Self.images {
            let image = try TestImage.busybox(plusRandom: Self.layerSize, seed: UInt64(number))
            for tag in Self.tags {
                try await image.push(to: registry, repository: "\(repository)/image\(number)", tag: tag)
            }
        }
        return try await FaultProxy.with(upstream: "http://\(registry)") { proxy in
            proxy.shape(latency: Self.latency, bytesPerSecond: Self.bytesPerSecond)
            let references = Self.tags.flatMap { tag in
                (1...Self.images).map { "\(proxy.hostAndPort)/\(repository)/image\($0):\(tag)" }
            }
            var result = try await compareCold(references)
            result.details = [try await askWarm(references, proxy)]
            try await empty(references)
            return result
        }
    }

    private func compareCold(_ references: [String]) async throws -> BenchmarkResult {
        let roost = roostPull(references)
        let sequential = workbench.shell(#"for image; do "$0" pull "$image" || exit; done"#, references)
        let parallel = workbench.shell(
            #"printf '%s\n' "$@" | xargs -P\#(references.count) -n1 "$0" pull"#,
            references
        )
        let timings = try await workbench.contest(.pull, rounds: 5).hold([
            Contestant("`roost pull`", prepare: { try await empty(references) }) { try await roost.time() },
            Contestant("one `docker pull` after another", prepare: { try await empty(references) }) {
                try await sequential.time()
            },
            Contestant("`xargs -P\(references.count) docker pull`", prepare: { try await empty(references) }) {
                try await parallel.time()
            },
        ])
        return BenchmarkResult(
            name: BenchmarkName.pull.rawValue,
            work: """
                \(references.count) references to \(Self.images) images, each with a layer of its own of 40 MB that does \
                not compress, on a common base; the registry answers after 30 ms, at 25 MB/s a connection.
                """,
            timings: timings,
            comparisons: [
                Comparison(timings[0], against: timings[1], target: 0.5),
                Comparison(timings[0], against: timings[2], target: 1),
            ]
        )
    }

    /// What is asked of the registry where the engine has all images.
    private func askWarm(_ references: [String], _ proxy: FaultProxy) async throws -> BenchmarkResult.Detail {
        _ = try await roostPull(references).output()
        var always = roostPull(references)
        always.arguments.append("--always")
        let sequential = workbench.shell(#"for image; do "$0" pull "$image" || exit; done"#, references)
        var rows: [[String]] = []
        for (name, program) in [
            ("`roost pull`", roostPull(references)), ("`roost pull --always`", always),
            ("one `docker pull` after another", sequential),
        ] {
            proxy.log.removeAll()
            let time = try await program.time()
            let requests = proxy.log.entries
            let blobs = requests.count { $0.path.contains("/blobs/") }
            rows.append([name, ResultText.time(time / .seconds(1)), "\(requests.count)", "\(blobs)"])
        }
        return BenchmarkResult.Detail(
            title: "Again, with all images present (once each); what the registry was asked:",
            columns: ["", "time", "requests", "requests for blobs"],
            rows: rows
        )
    }

    private func roostPull(_ references: [String]) -> Program {
        var program = workbench.roost
        program.arguments = ["pull"] + references
        return program
    }

    /// Removes this benchmark's images, and no others.
    private func empty(_ references: [String]) async throws {
        let listed = try await workbench.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").output()
        let present = Set(listed.split(separator: "\n").map(String.init)).intersection(references)
        if !present.isEmpty {
            var removal = workbench.docker
            removal.arguments = ["image", "rm"] + present.sorted()
            _ = try await removal.output()
        }
        let left = try await workbench.docker("image", "ls", "--all").output()
        // One line is the table's head.
        guard left.split(separator: "\n").count <= 1 else { throw EngineNotEmpty(images: left) }
    }
}
