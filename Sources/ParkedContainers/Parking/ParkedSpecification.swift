package import DockerEngine

extension ContainerSpecification {
    /// The same container, waiting behind a gate in place of its command.
    ///
    /// - Parameters:
    ///   - gate: The gate.
    ///   - diesWithOwner: Whether the gate ends when the process that is attached to it goes. With false it stays, and
    ///     another process may attach and release it.
    /// - Returns: The specification; `nil` where the container takes stdin or has a terminal, which a gate can't give it.
    package func parked(behind gate: ContainerGate, diesWithOwner: Bool) -> ContainerSpecification? {
        guard !openStdin, !tty else { return nil }
        var parked = self
        parked.entrypoint = gate.entrypoint
        parked.command = []
        parked.openStdin = true
        parked.stdinOnce = diesWithOwner
        parked.attachStdin = true
        return parked
    }

    /// What the gate has to become so that the container does what this one would do; `nil` where that stands in the image.
    package var releasedCommand: ReleasedCommand? {
        guard let entrypoint, let command, !(entrypoint + command).isEmpty else { return nil }
        // The gate's own shell has counted this one up, or has not: some do.
        let level = environment.last { $0.hasPrefix("SHLVL=") }.map { ("SHLVL", String($0.dropFirst("SHLVL=".count))) }
        return ReleasedCommand(entrypoint + command, environment: level.map { [$0] } ?? [])
    }
}
