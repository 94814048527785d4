import ArgumentParser
import Foundation
import Pipeline

/// `roost plan`.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what would run, in which order and with which images.",
        discussion: """
            Asks neither the engine nor a registry.

            EXAMPLE
              roost plan
              roost plan --from test --step build/lint
              roost plan --format dot | dot -Tsvg > plan.svg
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, dot
    }

    @OptionGroup var file: PipelineFileOptions
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var permissions: PermissionOptions

    @Option(help: "text, json (roost.plan/1) or dot (Graphviz).")
    var format = Format.text

    func run() async throws {
        try file.enter()
        let settings = try SettingsLoader.load(permissions: permissions)
        let definition = try await selection.load(file)
        try PermissionOptions.check(definition, settings)
        let plan = PipelinePlan(definition, defaultMaxParallel: settings.maxParallel)
        let output = OutputWriter.standardOutput
        switch format {
        case .text: try output.enqueue(PlanText.render(plan))
        case .json: try output.enqueue([UInt8](try PlanJSON.render(plan)))
        case .dot: try output.enqueue(PlanDot.render(plan))
        }
        try await output.flush()
    }
}
