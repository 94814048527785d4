import DockerEngine
import RoostCore

/// Finds out how a container has ended, by the word of all who may know it: the engine, its events, and the kernel.
struct ContainerSettlement: Sendable {
    let engine: EngineClient
    let outOfMemory: OutOfMemoryWatch

    struct Findings: Sendable, Hashable {
        var end: ContainerEnd
        /// Whether a process of it was killed for want of memory.
        var wasOOMKilled = false
        /// How long it ran, by the engine's word.
        var ran: Duration?
        /// What could not be found out.
        var problem: String?
    }

    /// Reads the engine's verdict of a container that has ended and is still there.
    ///
    /// - Parameters:
    ///   - container: Its full ID.
    ///   - end: How it ended, by what waited for that.
    ///   - memory: What the kernel has said of it.
    ///   - isEndedByRoost: Whether Roost has stopped or killed it.
    /// - Returns: What is known. An end that is no exit is left as it is.
    func settle(
        _ container: String,
        _ end: ContainerEnd,
        _ memory: StepMemory.Usage,
        isEndedByRoost: Bool
    ) async -> Findings {
        var findings = Findings(end: end)
        guard case .exited(let code) = end else { return findings }
        // The engine may miss a kill on a loaded machine; the kernel does not.
        findings.wasOOMKilled = memory.wasKilled == true
        do {
            let state = try await engine.inspectContainer(container)?.state
            findings.ran = state?.ran
            if code != 0, state.map({ ["removing", "dead"].contains($0.status) }) ?? true {
                // Who removes a running container kills it first: the code is not the command's own.
                findings.end = .removed
            }
            if state?.wasOOMKilled == true { findings.wasOOMKilled = true }
            // Only a kill that nobody is known to have sent is worth waiting for an explanation.
            let isUnexplained = code == 137 && !isEndedByRoost && findings.end != .removed
            if !findings.wasOOMKilled {
                findings.wasOOMKilled = await outOfMemory.sawKill(in: container, isUnexplained: isUnexplained)
            }
        } catch {
            if !findings.wasOOMKilled { findings.problem = "whether it ran out of memory is not known: \(error)" }
        }
        return findings
    }
}
