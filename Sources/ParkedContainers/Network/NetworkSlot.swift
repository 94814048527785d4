package import DockerEngine

/// A network that outlives the containers in it: an idle container that others join, one after another.
///
/// Making a private network is half of a container's start. The holder is a parked container that is never released, and
/// dies with its owner. Containers that join see each other's loopback and abstract sockets, so that never two run in one
/// slot at once, and one slot is one trust domain. Sockets go with the processes that hold them; a port that a server
/// closed first may stay in TIME_WAIT for a minute, as on a machine that the server is started on again.
package struct NetworkSlot: Sendable {
    /// To be run like any parked container, and removed after it; where it can't be parked there is no slot, and a
    /// container gets a private network instead.
    package let holder: ParkedContainer

    /// For the containers that join; they can't have a hostname of their own.
    package var networkMode: String { "container:\(holder.id)" }

    /// Creates the holder; it does not run yet.
    ///
    /// - Parameters:
    ///   - image: Of any content, with a shell.
    ///   - name: Unique on the engine; `nil` lets it choose one.
    ///   - networkMode: The network that the slot gives access to; `nil` for the engine's default.
    ///   - labels: The holder's.
    ///   - engine: The engine.
    /// - Returns: The slot.
    /// - Throws: ``DockerEngine/EngineError`` or `CancellationError`.
    package static func create(
        image: String,
        name: String?,
        networkMode: String? = nil,
        labels: [String: String],
        on engine: EngineClient
    ) async throws -> NetworkSlot {
        let gate = ContainerGate()
        var holder = ContainerSpecification(image: image)
        holder.labels = labels
        holder.entrypoint = gate.entrypoint
        holder.command = []
        holder.openStdin = true
        holder.stdinOnce = true
        holder.attachStdin = true
        holder.host.networkMode = networkMode
        let created = try await engine.createContainer(name: name, holder)
        return NetworkSlot(holder: ParkedContainer(id: created.id, gate: gate))
    }
}
