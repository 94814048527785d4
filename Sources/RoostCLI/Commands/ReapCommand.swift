import ArgumentParser
import DockerEngine
import Foundation
import Pipeline
import Reaping
import RoostCore
import RoostStore

/// `roost reap`.
struct ReapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reap",
        abstract: "Remove what killed runs left on the engine.",
        discussion: """
            A roost that is killed outright can't clean up. Every verb that makes or pulls something on the engine removes what \
            such a one left before its own work; this one does nothing else, and says what it keeps, and why.

            Only what carries this installation's labels is removed, and only when the process that made it has ended. \
            The exit code is 125 where something could not be removed.

            EXAMPLE
              roost reap --dry-run
              roost reap --format json | jq '.objects[] | select(.action == "keep")'
            """
    )

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Flag(help: "Only say what would be removed.")
    var dryRun = false

    @Option(help: "text or json (roost.reap/1).")
    var format = Format.text

    @OptionGroup var engine: EngineOptions

    func run() async throws {
        let configuration = try engine.configuration()
        // Ahead of the engine, which they don't need: it may be down.
        let secrets = SecretPlace.reap(environment: ProcessInfo.processInfo.environment, dryRun: dryRun)
        var result = try await EngineClient.with(
            configuration.endpoint,
            requestedVersion: configuration.requestedVersion
        ) { engine in
            try await reap(engine)
        }
        result.secrets = secrets
        for warning in result.warnings { await RoostCommandLine.complain(warning) }
        switch format {
        case .text: try OutputWriter.standardOutput.enqueue(result.text)
        case .json: try OutputWriter.standardOutput.enqueue(try result.json())
        }
        try await OutputWriter.standardOutput.flush()
        if !result.report.failures.isEmpty || secrets.contains(where: { $0.problem != nil }) { throw ExitCode(125) }
    }

    private func reap(_ engine: EngineClient) async throws -> ReapResult {
        var (state, warnings) = try await EngineState.load(of: engine)
        var result = ReapResult(engine: engine.endpoint.description, isDryRun: dryRun)
        if let installation = state.installation {
            let reaper = Reaper(engine: engine, installation: installation, journal: state.records?.journal)
            let ended = await state.endedOwners()
            let planned = try await reaper.plan()
            result.plan = planned.plan
            warnings += planned.warnings
            if !dryRun {
                result.report = try await state.apply(planned.plan, by: reaper, freeing: ended)
                warnings += result.report.warnings
            }
        }
        result.warnings = warnings + state.store.takeWarnings()
        return result
    }
}

/// What a reap found and did, for people and programs.
struct ReapResult {
    let engine: String
    let isDryRun: Bool
    var plan: ReapPlan?
    var report = ReapReport()
    var warnings: [String] = []
    /// The files of secrets that killed runs left in memory.
    var secrets: [SecretPlace.Abandoned] = []

    init(engine: String, isDryRun: Bool) {
        self.engine = engine
        self.isDryRun = isDryRun
    }

    /// What is done with it, and what went wrong in doing so.
    private func outcome(_ decision: ReapPlan.Decision) -> (word: String, error: String?) {
        guard decision.removes else { return ("keep", nil) }
        if isDryRun { return ("would remove", nil) }
        switch report.outcomes[ReapReport.Key(decision.object)] {
        case .removed: return ("removed", nil)
        case .gone: return ("gone", nil)
        case .failed(let why): return ("failed", why)
        case .kept, nil: return ("kept", nil)
        }
    }

    var text: String {
        var lines = (plan?.decisions ?? []).map { decision in
            let (word, error) = outcome(decision)
            let why = error ?? decision.reason.description
            return "\(word)  \(decision.object.kind.rawValue) \(decision.object.name): \(why)"
        }
        lines += (plan?.cutOffRuns ?? []).map { run in
            "\(isDryRun ? "would record" : "recorded")  run \(run.id) as cut off: its owner has ended"
        }
        lines += secrets.map { left in
            let word = left.problem == nil ? isDryRun ? "would remove" : "removed" : "failed"
            return "\(word)  secrets in \(left.path): \(left.problem ?? "their owner has ended")"
        }
        if lines.isEmpty { lines = ["nothing of this installation is on the engine"] }
        return lines.flatMap { TextSanitizer.plainLines($0) }.map { $0 + "\n" }.joined()
    }

    func json() throws -> [UInt8] {
        struct Wire: Encodable {
            struct Object: Encodable {
                let type, id, name, action, reason: String
                let run, owner, outcome, error: String?
            }
            struct Secrets: Encodable {
                let path, owner: String
                let outcome, error: String?
            }
            struct Run: Encodable {
                let id, owner: String
                let exits: [Exit]
            }
            struct Exit: Encodable {
                let stage, step: String
                let attempt, exitCode: Int
            }
            let schema = "roost.reap/1"
            let engine: String
            let dryRun: Bool
            let objects: [Object]
            let cutOffRuns: [Run]
            /// The files of secrets that killed runs left in memory; all of them are to be removed.
            let secrets: [Secrets]
        }
        let wire = Wire(
            engine: engine,
            dryRun: isDryRun,
            objects: (plan?.decisions ?? []).map { decision in
                let (word, error) = outcome(decision)
                return Wire.Object(
                    type: decision.object.kind.rawValue,
                    id: decision.object.id,
                    name: decision.object.name,
                    action: decision.removes ? "remove" : "keep",
                    reason: decision.reason.code,
                    run: decision.object.labels[LabelKey.run],
                    owner: decision.object.owner?.description,
                    outcome: decision.removes && !isDryRun ? word : nil,
                    error: error
                )
            },
            cutOffRuns: (plan?.cutOffRuns ?? []).map { run in
                let recovered = report.recoveredExits.filter { $0.run == run.id }.map(\.exit)
                return Wire.Run(
                    id: run.id,
                    owner: run.owner.description,
                    exits: (run.exits + recovered.filter { !run.exits.contains($0) }).map {
                        Wire.Exit(stage: $0.stage, step: $0.step, attempt: $0.attempt, exitCode: $0.exitCode)
                    }
                )
            },
            secrets: secrets.map {
                Wire.Secrets(
                    path: $0.path,
                    owner: $0.owner.description,
                    outcome: isDryRun ? nil : $0.problem == nil ? "removed" : "failed",
                    error: $0.problem
                )
            }
        )
        return try StateJSON.encode(wire)
    }
}

/// How the verbs that show state write JSON.
enum StateJSON {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        return [UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
