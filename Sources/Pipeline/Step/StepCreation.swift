import DockerEngine
import OCIDistribution
import ParkedContainers
import RoostCore

/// Creates steps' containers, and the images that have gone missing for them.
struct StepCreation: Sendable {
    let engine: EngineClient
    let context: RunContext
    let interruption: Interruption
    let emit: @Sendable (RunEvent.Kind) async -> Void
    /// Pulls an image that has vanished from the engine since the run pulled it; returns its ID.
    let pullAgain: @Sendable (StepDefinition) async throws -> String

    /// Creates the container of an attempt, which is to start at once.
    ///
    /// - Parameters:
    ///   - step: The step.
    ///   - imageID: Its image on the engine; `nil` for one that has to be looked for first.
    ///   - attempt: Counted from 1.
    ///   - networkMode: The network; `nil` for the engine's default.
    /// - Returns: The container's ID.
    /// - Throws: `EngineError`, `CancellationError` where the step is stopped meanwhile, or why its image can't be had.
    func create(_ step: StepDefinition, imageID: String?, attempt: Int, networkMode: String?) async throws -> String {
        let container = StepContainer(context: context, step: step, attempt: attempt)
        var image: String
        if let imageID { image = imageID } else { image = try await obtainImage(of: step) }
        func create() async throws -> String {
            let specification = container.specification(imageID: image, networkMode: networkMode)
            let created = try await self.create(container, specification)
            await tellWarnings(of: created)
            return created.id
        }
        do {
            return try await create()
        } catch let error as EngineError where error.statusCode == 404 {
            // Deleted between the pull and now, by another prune or by hand.
            await emit(.warning("\(step.id): its image \(step.imageText) has vanished from the engine; pulling again"))
            image = try await obtainImage(of: step)
            return try await create()
        }
    }

    /// Hands the engine's remarks on a container on.
    func tellWarnings(of created: CreatedContainer) async {
        for warning in created.warnings ?? [] { await emit(.warning("the engine warns: \(warning)")) }
    }

    /// Creates the container of a first attempt behind a gate, ahead of its turn.
    ///
    /// - Returns: The container; `nil` where it can't be had so. Whatever stood in its way may have gone by its turn, and is told
    ///   then, as are the engine's warnings.
    func createParked(
        _ step: StepDefinition,
        imageID: String,
        networkMode: String?,
        gate: ContainerGate
    ) async -> CreatedContainer? {
        let container = StepContainer(context: context, step: step, attempt: 1)
        let specification = container.specification(imageID: imageID, networkMode: networkMode)
        guard let parked = specification.parked(behind: gate, diesWithOwner: true) else { return nil }
        return try? await create(container, parked)
    }

    private func create(
        _ container: StepContainer,
        _ specification: ContainerSpecification
    ) async throws -> CreatedContainer {
        var name = container.name()
        for _ in 0..<4 {
            do {
                return try await engine.createContainer(name: name, specification)
            } catch let error as EngineError where error.statusCode == 409 {
                name = container.name(suffix: String(UInt32.random(in: 0...UInt32.max), radix: 16))
            }
        }
        throw EngineError.status(operation: "create container '\(name)'", code: 409, message: "every name is taken")
    }

    /// Removes a container, or tells that it is left behind.
    func remove(_ container: String) async {
        if let problem = await ContainerRemoval(engine: engine).remove(container) { await emit(.warning(problem)) }
    }

    /// Brings the step's image onto the engine, unless the step is stopped meanwhile.
    private func obtainImage(of step: StepDefinition) async throws -> String {
        let image = try await interruption.end(for: step).cancelling { try await pullAgain(step) }
        guard let image else { throw CancellationError() }
        return image
    }
}
