import DockerEngine
import OCIDistribution
import ParkedContainers
import RoostCore

/// A step's container, and what lies outside it for as long as it is there.
struct MadeContainer: Sendable {
    let created: CreatedContainer
    let secrets: SecretFolder?

    var id: String { created.id }
}

/// Creates and removes steps' containers, and obtains the images that have gone missing for them.
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
    /// - Returns: The container.
    /// - Throws: `EngineError`, ``MountRefusal``, `CancellationError` where the step is stopped meanwhile, or why its image
    ///   can't be had.
    func create(
        _ step: StepDefinition,
        imageID: String?,
        attempt: Int,
        networkMode: String?
    ) async throws -> MadeContainer {
        let made = try await creation.withImage(imageID, of: (step.id.description, step.imageText)) {
            try await obtainImage(of: step)
        } create: { image in
            try await make(step, attempt) { container in
                try await creation.create(
                    try container.specification(imageID: image, networkMode: networkMode),
                    name: container.name
                )
            }
        }
        await tellWarnings(of: made)
        return made
    }

    private var creation: ContainerCreation { ContainerCreation(engine: engine, context: context, emit: emit) }

    /// Hands the engine's remarks on a container on.
    func tellWarnings(of made: MadeContainer) async { await creation.tellWarnings(of: made.created) }

    /// Creates the container of a first attempt behind a gate, ahead of its turn.
    ///
    /// - Returns: The container; `nil` where it can't be had so. Whatever stood in its way may have gone by its turn, and
    ///   is told then, as are the engine's warnings.
    func createParked(
        _ step: StepDefinition,
        imageID: String,
        networkMode: String?,
        gate: ContainerGate
    ) async -> MadeContainer? {
        try? await make(step, 1) { container in
            let specification = try container.specification(imageID: imageID, networkMode: networkMode)
            guard let parked = specification.parked(behind: gate, diesWithOwner: true) else { throw NoGate() }
            return try await creation.create(parked, name: container.name)
        }
    }

    private struct NoGate: Error {}

    /// Lays out what the container needs beside it, and takes it away again where there is no container then.
    private func make(
        _ step: StepDefinition,
        _ attempt: Int,
        create: (StepContainer) async throws -> CreatedContainer
    ) async throws -> MadeContainer {
        let secrets = try context.makeSecretFolder(for: step)
        let container = StepContainer(context: context, step: step, attempt: attempt, secretFolder: secrets)
        do {
            return MadeContainer(created: try await create(container), secrets: secrets)
        } catch {
            await remove(secrets)
            throw error
        }
    }

    /// Removes a container and what lies beside it, or tells what is left behind.
    func remove(_ container: MadeContainer) async {
        await Removal(interruption: interruption, emit: emit).remove(container: container.id, from: engine)
        await remove(container.secrets)
    }

    private func remove(_ secrets: SecretFolder?) async {
        do {
            try secrets?.remove()
        } catch {
            await emit(.warning("the files of a step's secrets are left in memory: \(error)"))
        }
    }

    /// Brings the step's image onto the engine, unless the step is stopped meanwhile.
    private func obtainImage(of step: StepDefinition) async throws -> String {
        let image = try await interruption.end(for: step).cancelling { try await pullAgain(step) }
        guard let image else { throw CancellationError() }
        return image
    }
}
