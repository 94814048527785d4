import DockerEngine
import NIOHTTP1

/// `/containers/…` but for the streams.
struct ContainerRoutes {
    let engine: FakeEngine

    func handle(_ call: EngineCall, _ rest: [String]) async throws -> Bool {
        switch (call.method, rest.count, rest.last) {
        case (.GET, 1, "json"): try await list(call)
        case (.POST, 1, "create"): try await ContainerCreation(engine: engine).handle(call)
        case (.DELETE, 1, _): try await remove(call, find(rest[0]))
        case (_, 2, let action?): return try await handle(call, find(rest[0]), action)
        default: return false
        }
        return true
    }

    private func handle(_ call: EngineCall, _ container: FakeContainer, _ action: String) async throws -> Bool {
        let streams = ContainerStreams(container: container)
        switch (call.method, action) {
        case (.GET, "json"): try await call.answer.json(.ok, inspection(of: container))
        case (.GET, "logs"): try await streams.logs(call)
        case (.GET, "stats"): try await streams.statistics(call)
        case (.POST, "attach"): try await streams.attach(call)
        case (.POST, "wait"): try await streams.wait(call)
        case (.POST, "start"): try await start(call, container)
        case (.POST, "stop"): try await stop(call, container)
        case (.POST, "kill"): try await kill(call, container)
        default: return false
        }
        return true
    }

    private func find(_ name: String) throws -> FakeContainer {
        guard let container = engine.findContainer(name) else {
            throw Refusal(.notFound, "No such container: \(name)")
        }
        return container
    }

    // MARK: Reading

    private func list(_ call: EngineCall) async throws {
        let filters = try call.filters(knowing: ["label", "name", "id", "status", "ancestor"])
        let all = call.flag("all") || filters["status"] != nil
        let rows = engine.containers.value.values.sorted { $0.created > $1.created }.filter { container in
            let state = container.state.value
            return (all || state.status == .running)
                && LabelMatch.all(filters["label"] ?? [], of: container.request.labels)
                && (filters["name"]?.contains { container.request.name.contains($0) } ?? true)
                && (filters["id"]?.contains { container.id.hasPrefix($0) } ?? true)
                && (filters["status"]?.contains(state.status.rawValue) ?? true)
        }
        try await call.answer.json(.ok, .array(rows.map(row)))
    }

    private func row(_ container: FakeContainer) -> JSONValue {
        [
            "Id": .string(container.id),
            "Names": [.string("/\(container.request.name)")],
            "Image": .string(container.request.image),
            "ImageID": .string(container.request.imageID),
            "State": .string(container.state.value.status.rawValue),
            "Labels": JSONValue(container.request.labels),
            "Created": JSONValue(container.created),
        ]
    }

    private func inspection(of container: FakeContainer) -> JSONValue {
        let request = container.request
        let state = container.state.value
        return [
            "Id": .string(container.id),
            "Name": .string("/\(request.name)"),
            "Image": .string(request.imageID),
            "State": [
                "Status": .string(state.status.rawValue),
                "Running": .boolean(state.status == .running),
                "ExitCode": JSONValue(state.exitCode),
                "OOMKilled": .boolean(state.wasOOMKilled),
                "Error": .string(state.error),
                // No process of this machine: nothing may be opened or signalled by it.
                "Pid": 0,
                "StartedAt": .string(state.startedAt ?? "0001-01-01T00:00:00Z"),
                "FinishedAt": .string(state.finishedAt ?? "0001-01-01T00:00:00Z"),
            ],
            "Config": [
                "Image": .string(request.image),
                "Labels": JSONValue(request.labels),
                "Env": JSONValue(request.environment),
                "Cmd": JSONValue(request.arguments),
                "User": .string(request.user),
                "WorkingDir": .string(request.workingDirectory),
            ],
            "HostConfig": .object(
                request.host.merging(["NetworkMode": .string(request.networkMode)]) { $1 }
            ),
            "Mounts": .array(
                request.mounts.map { mount in
                    [
                        "Type": .string(mount.type), "Name": JSONValue(mount.source),
                        "Source": JSONValue(mount.source), "Destination": .string(mount.target),
                        "RW": .boolean(mount.readOnly != true),
                    ]
                }
            ),
        ]
    }

    // MARK: Changing

    private func start(_ call: EngineCall, _ container: FakeContainer) async throws {
        if let failure = container.program.startFailure {
            container.state.change { state in
                state.exitCode = failure.exitCode
                state.error = failure.message
            }
            throw Refusal(HTTPResponseStatus(statusCode: failure.status), failure.message)
        }
        let starts = container.state.change { state in
            guard state.status != .running else { return false }
            state.status = .running
            state.starts += 1
            state.exitCode = 0
            state.wasOOMKilled = false
            state.endingCode = nil
            state.ignoresSignals = false
            state.startedAt = FakeClock.now
            return true
        }
        guard starts else { return try await call.answer.empty(.notModified) }
        engine.happened(container.event("start"))
        engine.spawn { [engine] in await engine.run(container) }
        try await call.answer.empty()
    }

    private func stop(_ call: EngineCall, _ container: FakeContainer) async throws {
        guard container.state.value.status == .running else { return try await call.answer.empty(.notModified) }
        container.deliver(container.request.stopSignal)
        engine.happened(container.event("kill", ["signal": "15"]))
        if container.state.value.endingCode == nil {
            container.deliver("KILL")
            engine.happened(container.event("kill", ["signal": "9"]))
        }
        try await container.waitForExit()
        engine.happened(container.event("stop"))
        try await call.answer.empty()
    }

    private func kill(_ call: EngineCall, _ container: FakeContainer) async throws {
        guard container.state.value.status == .running else {
            throw Refusal(
                .conflict,
                "Cannot kill container: \(container.id): Container \(container.id) is not running"
            )
        }
        let signal = call.request.queryValue("signal") ?? "KILL"
        container.deliver(signal)
        engine.happened(container.event("kill", ["signal": signal]))
        if signal.hasSuffix("KILL") { try await container.waitForExit() }
        try await call.answer.empty()
    }

    private func remove(_ call: EngineCall, _ container: FakeContainer) async throws {
        if container.state.value.status == .running, !call.flag("force") {
            throw Refusal(
                .conflict,
                "You cannot remove a running container \(container.id). Stop the container before attempting removal "
                    + "or force remove"
            )
        }
        try await engine.remove(container)
        try await call.answer.empty()
    }
}

extension FakeContainer {
    func event(_ action: String, _ more: [String: String] = [:]) -> FakeEvent {
        let attributes = request.labels.merging(["image": request.image, "name": request.name]) { $1 }
        return FakeEvent("container", action, id: id, attributes: attributes.merging(more) { $1 })
    }

    /// Waits until a container that has been started has ended, with all that is to be seen of it.
    func waitForExit() async throws {
        try await state.wait { $0.exits == $0.starts || $0.isRemoved ? true : nil }
    }
}

extension FakeEngine {
    /// Runs a container's program, and shows its end in the order of a real engine: the state, the events, `/wait`.
    func run(_ container: FakeContainer) async {
        // Without an exit the engine itself is being ended, and nobody is left to see more.
        guard let exit = await container.run() else { return }
        container.state.change { state in
            state.status = .exited
            state.exitCode = exit.code
            state.wasOOMKilled = exit.isOutOfMemory && exit.isKillTold
            state.finishedAt = FakeClock.now
        }
        if exit.isOutOfMemory { happened(container.event("oom")) }
        happened(container.event("die", ["exitCode": String(exit.code)]))
        container.state.change { $0.exits += 1 }
    }

    /// Kills a container where it runs, and removes it.
    func remove(_ container: FakeContainer) async throws {
        if container.state.value.status == .running {
            container.deliver("KILL")
            try await container.waitForExit()
        }
        guard containers.change({ $0.removeValue(forKey: container.id) }) != nil else {
            throw Refusal(.notFound, "No such container: \(container.id)")
        }
        happened(container.event("destroy"))
        container.state.change { $0.isRemoved = true }
    }

    /// Removes a container as another client of the engine would.
    ///
    /// - Throws: `CancellationError`, or that there is none by this name.
    package func removeContainer(_ name: String) async throws {
        guard let container = findContainer(name) else { throw Refusal(.notFound, "No such container: \(name)") }
        try await remove(container)
    }
}
