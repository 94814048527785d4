import DockerEngine
import ParkedContainers
import RoostCore

/// The container of a step's first attempt, created and started ahead of its turn.
struct ParkedStep: Sendable {
    let container: ParkedContainer
    /// As the engine made it.
    let made: MadeContainer
    /// What its gate is to become.
    let payload: GatePayload
    let output: StepOutput
    private let isOutputOver = Latch()
    private let isDone = Latch()
    private let isRemoved = Latch()

    init(_ made: MadeContainer, gate: ContainerGate, payload: GatePayload, output: StepOutput) {
        self.made = made
        container = ParkedContainer(id: made.id, gate: gate)
        self.payload = payload
        self.output = output
    }

    /// Reads no further: what has not come by now is given up.
    func endOutput() { isOutputOver.open() }

    /// Gives it up, or ends what was run in it; returns when the container has been removed.
    func finish() async {
        isOutputOver.open()
        isDone.open()
        await isRemoved.wait()
    }

    /// Attaches and starts it, reads its output to the end, and removes it once it is done with.
    ///
    /// - Parameters:
    ///   - engine: The engine.
    ///   - exits: Where its first process is followed from.
    ///   - permit: The permit to start it, given back once it has started, or never will.
    ///   - start: Starts the container.
    ///   - remove: Removes it.
    func live(
        on engine: EngineClient,
        exits: ExitWatch?,
        permit: StartPermit,
        start: @escaping @Sendable () async throws -> Void,
        remove: () async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            let source = StepOutput.Source.parked(container) { send in
                defer { permit.giveBack() }
                let start: @Sendable () async throws -> Void = {
                    defer { permit.giveBack() }
                    try await start()
                }
                return await container.run(on: engine, watch: exits, start: start, onOutput: send)
            }
            group.addTask { await output.follow(source, on: engine) }
            await isOutputOver.wait()
            await container.detach()
            group.cancelAll()
        }
        await isDone.wait()
        await remove()
        isRemoved.open()
    }
}

extension StepDefinition {
    /// Whether the step may use a network that others use after it. What the operator has to allow can change a network for
    /// good.
    var joinsSlot: Bool { network == .slot && demands.isEmpty }

    /// Whether it is the shell that it runs, so that its image has one.
    var runsShell: Bool { if case .shell = command { (entrypoint ?? []).isEmpty } else { false } }

    /// What the step's gate has to become; `nil` where the step can't be parked.
    ///
    /// Where it is not the shell that it runs, the image decides on what is run, and may have no shell at all. Mounts from
    /// within the workspace are only safe while no other step can change it.
    var parkedCommand: ReleasedCommand? {
        guard isParked, runsShell, !mounts.leadIntoWorkspace, let program = containerEntrypoint,
            let arguments = containerCommand
        else { return nil }
        var specification = ContainerSpecification(image: "")
        specification.entrypoint = program
        specification.command = arguments
        specification.environment = env.map(\.assignment)
        return specification.releasedCommand
    }
}
