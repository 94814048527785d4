package import DockerEngine
import Foundation
import OCIDistribution
import RoostCore

/// What a run does to its workspace before its first step and after its last.
struct RunWorkspace: Sendable {
    private let plan: PipelinePlan
    private let context: RunContext
    private let engine: EngineClient
    private let interruption: Interruption
    private let emit: @Sendable (RunEvent.Kind) async -> Void
    private let pull: @Sendable (StepDefinition) async throws -> String
    /// Held as long as this value lives; `nil` where the folder can't be opened, which whatever needs it tells.
    private let use: WorkspaceUse?

    /// At most this many paths are named in one message.
    private static let mostNamed = 3

    /// - Parameters:
    ///   - plan: What runs.
    ///   - context: What its steps share.
    ///   - engine: Where.
    ///   - interruption: Its first raise ends a wipe before the steps, its second what is done after them.
    ///   - emit: Takes notices and warnings.
    ///   - pull: Pulls a step's image, for a container where the engine has none of the pipeline's images; returns its ID.
    init(
        plan: PipelinePlan,
        context: RunContext,
        engine: EngineClient,
        interruption: Interruption,
        emit: @escaping @Sendable (RunEvent.Kind) async -> Void,
        pull: @escaping @Sendable (StepDefinition) async throws -> String
    ) {
        self.plan = plan
        self.context = context
        self.engine = engine
        self.interruption = interruption
        self.emit = emit
        self.pull = pull
        use = try? WorkspaceUse(context.projectFolder)
    }

    // MARK: - Before

    /// Wipes what should be gone before the first step.
    ///
    /// - Returns: Why the run can't begin, or `nil`.
    func prepare() async -> String? {
        await use?.share(until: interruption.stop)
        guard plan.definition.workspace.wipes(before: plan.isWipeAsked) else { return nil }
        do {
            let outcome = try await wipe(until: interruption.stop)
            // Other runs may begin again.
            await use?.share(until: interruption.stop)
            guard !outcome.failures.isEmpty, interruption.cause == nil else { return nil }
            return "the workspace could not be wiped: \(describe(outcome.failures))"
        } catch {
            return "\(error)"
        }
    }

    // MARK: - After

    /// Restores what belongs to whom, and wipes what should be gone after the last step.
    ///
    /// - Parameters:
    ///   - succeeded: Whether the run did.
    ///   - stages: What was run.
    func finish(succeeded: Bool, stages: [StageReport]) async {
        if stages.contains(where: { $0.steps.contains { $0.attempts > 0 } }) { await restoreOwnership() }
        guard plan.definition.workspace.wipes(afterSuccess: succeeded), !interruption.kill.isOpen else { return }
        do {
            let outcome = try await wipe(until: interruption.kill)
            if !outcome.failures.isEmpty {
                await emit(.warning("the workspace is not wiped in whole: \(describe(outcome.failures))"))
            }
        } catch {
            await emit(.warning("\(error)"))
        }
    }

    private func wipe(until stop: Latch) async throws -> WipeOutcome {
        try await use?.takeAlone(until: stop)
        let wipe = WorkspaceWipe(plan.definition, projectFolder: context.projectFolder, stop: stop)
        let outcome = try await wipe.apply(try await wipe.plan()) { try await $0(container) }
        if !outcome.removed.isEmpty { await emit(.notice(outcome.summary)) }
        let orderly = outcome.kept.filter(\.reason.isOrderly)
        if !orderly.isEmpty { await emit(.warning("kept by the wipe: \(describe(orderly))")) }
        return outcome
    }

    private func restoreOwnership() async {
        guard plan.definition.workspace.ownership == .restore, !interruption.kill.isOpen, mayHaveMadeForeignFiles,
            let root = try? OpenFolder.open(trusted: context.projectFolder), let folder = try? root.status(),
            let target = OwnershipTarget.decide(.current, folder: FileOwner(user: folder.owner, group: folder.group))
        else { return }
        let restore = OwnershipRestore(
            projectFolder: context.projectFolder,
            target: target,
            since: context.startedAt,
            stop: interruption.kill
        )
        do {
            let outcome = try await restore.run(container)
            if !outcome.kept.isEmpty {
                let problem = outcome.problem.map { ": \($0)" } ?? ""
                await emit(.warning("made by steps and not given to you: \(list(outcome.kept))\(problem)"))
            }
            if !outcome.shared.isEmpty {
                await emit(
                    .warning(
                        "made by steps and left to their owner, since these files have names outside the workspace too: "
                            + list(outcome.shared)
                    )
                )
            }
        } catch {
            await emit(.warning("\(error)"))
        }
    }

    /// False where every step runs as the very user whom its files should belong to.
    private var mayHaveMadeForeignFiles: Bool {
        let caller = String(geteuid())
        return geteuid() == 0 || plan.steps.contains { $0.user?.split(separator: ":").first.map(String.init) != caller }
    }

    // MARK: - Parts

    private var container: WorkspaceContainer {
        WorkspaceContainer(
            engine: engine,
            installation: context.installation,
            runID: context.runID,
            projectFolder: context.projectFolder,
            fileName: plan.definition.file.url.lastPathComponent,
            interruption: interruption,
            images: { [plan, engine, pull] in try await WorkspaceContainer.images(of: plan, on: engine, pull: pull) }
        )
    }

    private func describe(_ remarks: [WipeRemark]) -> String {
        let named = remarks.prefix(Self.mostNamed).map { "\($0.path): \($0.reason.description)" }
        return named.joined(separator: "; ") + more(remarks.count)
    }

    private func list(_ paths: [WorkspacePath]) -> String {
        paths.prefix(Self.mostNamed).map(\.description).joined(separator: ", ") + more(paths.count)
    }

    private func more(_ count: Int) -> String {
        count > Self.mostNamed ? ", and \(count - Self.mostNamed) more" : ""
    }
}

extension WorkspaceContainer {
    /// The images of a pipeline that the engine has, the first one pulled where it has none.
    ///
    /// - Parameters:
    ///   - plan: The pipeline.
    ///   - engine: Where.
    ///   - pull: Pulls a step's image; returns its ID.
    /// - Returns: IDs, in plan order.
    /// - Throws: `EngineError`, or what `pull` throws.
    package static func images(
        of plan: PipelinePlan,
        on engine: EngineClient,
        pull: (StepDefinition) async throws -> String
    ) async throws -> [String] {
        var found: [String] = []
        for image in plan.images {
            guard let id = try await engine.inspectImage(image.reference.description)?.id, !found.contains(id) else {
                continue
            }
            found.append(id)
        }
        if found.isEmpty, let step = plan.steps.first { found.append(try await pull(step)) }
        return found
    }
}

extension WorkspaceDefinition {
    /// Whether a run wipes before its first step.
    ///
    /// - Parameter isAsked: Whether the caller asks for it, whatever the file says.
    /// - Returns: Never true where nothing is named.
    func wipes(before isAsked: Bool) -> Bool { !wipe.isEmpty && (isAsked || wipeWhen == .before) }

    /// Whether a run wipes after its last step.
    func wipes(afterSuccess succeeded: Bool) -> Bool {
        switch wipeWhen {
        case .after: !wipe.isEmpty
        case .success: !wipe.isEmpty && succeeded
        case .before, .never: false
        }
    }
}
