import RoostCore
import RoostTesting

/// A pipeline of a thousand steps: what it costs to plan it, and to run it.
struct ThousandBenchmark {
    let workbench: Workbench

    private static let mostSeconds = 0.05
    private static let mostMemory: Int64 = 150_000_000

    private struct Form {
        let name: String
        let steps: [PipelineText.Step]
    }

    /// A tenth of the steps: matrices have ten instances a value, and needs reach ten steps back.
    private var tenth: Int { workbench.amount(100, quick: 2) }
    private var count: Int { tenth * 10 }

    func run() async throws -> BenchmarkResult {
        try await workbench.withImage("thousand", try TestImage.busybox, body: measure)
    }

    private func measure(_ image: EngineImage) async throws -> BenchmarkResult {
        let plans = try forms.map { form in
            (form, try workbench.roost("plan", pipeline(image, form), as: "\(form.name).toml"))
        }
        let compose = try await ComposeProject(
            name: "thousand",
            services: (0..<count).map { ComposeProject.Service(name: "step\($0)", command: ["true"]) },
            image: image.id,
            on: workbench
        )
        let timings = try await workbench.contest(.thousand, rounds: 7).hold(
            plans.map { form, plan in Contestant(title(form)) { try await plan.time() } }
                + [Contestant("`docker-compose config`, \(count) services") { try await compose.check.time() }]
        )
        var costs: [(name: String, cost: MeasuredProgram.Cost)] = []
        for (form, plan) in plans {
            costs.append((title(form), try await MeasuredProgram(plan, on: workbench).run()))
        }
        workbench.note("thousand: running \(count) steps")
        let run = try workbench.roost("run", pipeline(image, forms[0]), as: "thousand.toml")
        costs.append(("`roost run`, all steps, 20 at once", try await MeasuredProgram(run, on: workbench).run()))
        let planned = zip(forms, timings).map { form, timing in
            Limit("median of \(title(form))", .seconds(timing.seconds.median), atMost: .seconds(Self.mostSeconds))
        }
        let memory = costs.map {
            Limit("peak memory of \($0.name)", .bytes($0.cost.peak.bytes), atMost: .bytes(Self.mostMemory))
        }
        return BenchmarkResult(
            name: BenchmarkName.thousand.rawValue,
            work: """
                \(count) steps of `true` on one image: alone; where each needs the one before and the one ten before; and as \
                ten matrices of \(tenth) instances, each instance of which needs all of the matrix before.
                """,
            timings: timings,
            comparisons: [
                Comparison(timings[0], against: timings[timings.count - 1])
            ],
            limits: planned + memory,
            details: [
                BenchmarkResult.Detail(
                    title: "Memory, once each:",
                    columns: ["", "time", "peak memory"],
                    rows: costs.map { [$0.name, ResultText.time($0.cost.time / .seconds(1)), "\($0.cost.peak)"] }
                )
            ]
        )
    }

    private func title(_ form: Form) -> String { "`roost plan`, \(form.name)" }

    private func pipeline(_ image: EngineImage, _ form: Form) -> PipelineText {
        var pipeline = PipelineText(name: "thousand", image: image.reference, stages: [form.steps])
        pipeline.maxParallel = 20
        return pipeline
    }

    private var forms: [Form] {
        let names = (0..<count).map { "step\($0)" }
        return [
            Form(name: "plain", steps: names.map { PipelineText.Step(name: $0, command: ["true"]) }),
            Form(
                name: "needs",
                steps: names.enumerated().map { index, name in
                    let needed = [index - 1, index - 10].filter { $0 >= 0 }.map { names[$0] }
                    return PipelineText.Step(name: name, command: ["true"], needs: needed)
                }
            ),
            Form(
                name: "matrices",
                steps: PipelineText.chain(of: names.prefix(10).map(\.self)) { _ in ["true"] }.map { step in
                    var step = step
                    let values = (0..<tenth).map { "'v\($0)'" }.joined(separator: ", ")
                    step.more = ["matrix = { variable = 'v', values = [\(values)] }"]
                    return step
                }
            ),
        ]
    }
}
