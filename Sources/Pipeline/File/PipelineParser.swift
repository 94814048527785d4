import ImagePull
import Foundation
package import RoostCore

/// Reads a pipeline from the text of its file, in either of its forms, and tells all that is wrong with it at once.
package enum PipelineParser {
    /// Reads `text`.
    ///
    /// - Parameters:
    ///   - text: The text of the file.
    ///   - file: Where the file is; no I/O is done with it.
    ///   - environment: The caller's environment, for `env` entries that name a variable without a value.
    /// - Returns: The definition, or `nil` where there are errors; and errors and warnings in the order of the file.
    package static func parse(
        text: String,
        file: PipelineFile,
        environment: [String: String]
    ) -> (definition: PipelineDefinition?, diagnostics: [Diagnostic]) {
        let (document, syntax) = TOMLDocument.parse(text, file: file.shownName)
        guard let document else { return (nil, syntax) }
        let collector = DiagnosticCollector(file: file.shownName)
        let reading = PipelineReading(
            file: file,
            environment: environment,
            collector: collector,
            stageOfStep: PipelineReading.stagesOfSteps(in: document.root)
        )
        let definition = reading.read(TOMLTableReader(document.root, collector: collector))
        return (collector.hasErrors ? nil : definition, collector.diagnostics.sortedByPosition())
    }
}

/// The reading of one file.
struct PipelineReading {
    let file: PipelineFile
    let environment: [String: String]
    let collector: DiagnosticCollector
    /// The stage that defines a step of this name, for messages; one of them where several do.
    let stageOfStep: [String: String]

    static func stagesOfSteps(in root: TOMLTableNode) -> [String: String] {
        func tables(_ table: TOMLTableNode?, _ key: String) -> [(String, TOMLTableNode)] {
            guard case .table(let found)? = table?.entries.first(where: { $0.key == key })?.node.value else {
                return []
            }
            return found.entries.compactMap { entry in
                guard case .table(let inner) = entry.node.value else { return nil }
                return (entry.key, inner)
            }
        }
        var stages: [String: String] = [:]
        for (stage, table) in tables(root, "stages") {
            for (step, _) in tables(table, "steps") { stages[step] = stage }
        }
        return stages
    }

    /// What `[pipeline]` says for every step.
    struct Defaults {
        var memory: ByteCount = StepDefaults.memory
        var timeout: Duration = StepDefaults.timeout
        var workdir = StepDefaults.workdir
        var pull = PullPolicy.missing
        var retries = StepRetries()
        var stopGrace = StepDefaults.stopGrace
        var isParked = true
        var secrets: [StepSecret] = []
        var network: Located<StepNetwork>?
        var security = SecurityLayer()
        var mounts: [Located<StepMount>] = []
    }

    func read(_ root: TOMLTableReader) -> PipelineDefinition {
        root.refuse(["secrets"]) { "`\($0)` stands in [pipeline], for all steps, or in the step that needs them" }
        let order = root.readableStrings("stages_order", expected: "a list of stage names")
        let always = root.readableStrings("always_stages", expected: "a list of stage names")?.strings
        let pipeline = root.table("pipeline")
        let stageTables = root.table("stages")
        let workspace = workspace(root.table("workspace"))
        let flatServices = root.table("services")

        var defaults = Defaults()
        var name: String?
        var maxParallel: Int?
        var memoryBudget: MemoryBudget?
        var flatSteps: Located<[TOMLTableReader]>?
        if let pipeline {
            name = pipeline.checked(pipeline.string("name"), by: PipelineRules.problem(inName:))
            maxParallel = pipeline.integer("max_parallel", in: PipelineDefinition.possibleMaxParallel)?.value
            defaults.memory = memory(of: pipeline) ?? defaults.memory
            defaults.timeout = timeout(of: pipeline) ?? defaults.timeout
            defaults.workdir = workdir(of: pipeline) ?? defaults.workdir
            defaults.pull = pipeline.choice("pull")?.value ?? defaults.pull
            defaults.retries = retries(of: pipeline, defaults.retries)
            defaults.stopGrace = stopGrace(of: pipeline) ?? defaults.stopGrace
            defaults.isParked = pipeline.boolean("park")?.value ?? defaults.isParked
            defaults.secrets = secrets(of: pipeline) ?? defaults.secrets
            defaults.network = network(of: pipeline)
            defaults.security = security(of: pipeline)
            defaults.mounts = mounts(of: pipeline, workdir: defaults.workdir)
            memoryBudget = pipeline.memoryBudget("memory_budget")?.value
            flatSteps = pipeline.tables("steps")
            pipeline.finish()
        }
        if root.has("mounts"), pipeline?.has("mounts") == true {
            root.refuse(["mounts"]) { "`\($0)` stands either here or in [pipeline], not in both places" }
        } else {
            defaults.mounts += mounts(of: root, workdir: defaults.workdir)
        }
        root.finish()

        var stages: [StageDefinition]
        let services = services(flatServices, ofStage: nil, defaults: defaults)
        if let flatSteps {
            if root.has("stages") || root.has("stages_order") || root.has("always_stages") {
                collector.error(
                    "steps stand either here or in [stages.….steps.…], not in both places",
                    at: flatSteps.position,
                    key: flatSteps.path
                )
            }
            stages = flatStages(flatSteps, defaults: defaults)
        } else {
            if let flatServices {
                collector.error(
                    "in a pipeline with stages services stand in [stages.….services.…]",
                    at: flatServices.position,
                    key: flatServices.path
                )
            }
            stages = orderedStages(order, in: stageTables, root: root, defaults: defaults)
            mark(always, in: &stages, defined: stageTables?.table.entries.map(\.key) ?? [])
        }
        refuseInheritedSecrets(in: stages)
        var definition = PipelineDefinition(
            name: name ?? fallbackName,
            file: file,
            stages: stages,
            maxParallel: maxParallel,
            memoryBudget: memoryBudget,
            workspace: workspace
        )
        definition.services = services
        // A step that can never be admitted would wait for ever. A part of an engine's memory is known to the engine.
        if let memoryBudget, case .size(let size) = memoryBudget {
            for problem in definition.problems(within: memoryBudget, onEngineWith: size) { collector.add(problem) }
        }
        return definition
    }

    /// The project folder's name, where that can be a name.
    private var fallbackName: String {
        let folder = file.projectFolder.lastPathComponent
        return PipelineRules.problem(inName: folder) == nil && folder != "/" ? folder : "pipeline"
    }

    // MARK: - Values shared by [pipeline] and steps

    func memory(of reader: TOMLTableReader) -> ByteCount? {
        guard let memory = reader.byteCount("memory") else { return nil }
        guard memory.value >= PipelineRules.leastMemory else {
            collector.error(
                "\(memory.value) is less than an engine accepts for a container, which is \(PipelineRules.leastMemory)",
                at: memory.position,
                key: memory.path
            )
            return nil
        }
        return memory.value
    }

    func timeout(of reader: TOMLTableReader) -> Duration? {
        guard let timeout = reader.duration("timeout") else { return nil }
        guard timeout.value > .zero else {
            collector.error("a timeout must be longer than zero", at: timeout.position, key: timeout.path)
            return nil
        }
        return timeout.value
    }

    func stopGrace(of reader: TOMLTableReader) -> Duration? { reader.duration("stop_grace")?.value }

    func retries(of reader: TOMLTableReader, _ defaults: StepRetries) -> StepRetries {
        StepRetries(
            count: reader.integer("max_retries", in: 0...PipelineRules.mostRetries)?.value ?? defaults.count,
            reasons: reader.choices("retry_on").map { Set($0.value) } ?? defaults.reasons,
            backoff: reader.duration("backoff")?.value ?? defaults.backoff
        )
    }

    func workdir(of reader: TOMLTableReader) -> String? {
        reader.checked(reader.string("workdir", expected: "an absolute path"), by: PipelineRules.problem(inWorkdir:))
    }
}

extension TOMLTableReader {
    /// The string, unless the rule finds something wrong with it, which is reported.
    func checked(_ text: Located<String>?, by rule: (String) -> String?) -> String? {
        guard let text else { return nil }
        guard let problem = rule(text.value) else { return text.value }
        collector.error(problem, at: text.position, key: text.path)
        return nil
    }
}
