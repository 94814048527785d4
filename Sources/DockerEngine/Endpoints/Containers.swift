import Foundation
import NIOCore
import NIOHTTP1
import RoostCore

extension EngineClient {
    /// `POST /containers/create`.
    ///
    /// - Parameters:
    ///   - name: Unique on the engine; `nil` lets it choose one.
    ///   - specification: What the container is made of.
    /// - Returns: The container's ID, and what the engine could not do as asked.
    /// - Throws: A status of 404 where the image is not there, of 409 where the name is taken.
    package func createContainer(
        name: String?,
        _ specification: ContainerSpecification
    ) async throws -> CreatedContainer {
        try await call(
            request(.POST, "/containers/create", "create container '\(name ?? specification.image)'")
                .with(query: name.map { [("name", $0)] } ?? [])
                .with(json: specification)
        )
    }

    /// `POST /containers/{id}/start`: returns when its first process runs.
    package func startContainer(_ id: String) async throws {
        try await call(
            request(.POST, containerPath(id, "start"), "start container \(short(id))", deadline: deadlines.start)
        )
    }

    /// `POST /containers/{id}/wait`: the exit of a container.
    ///
    /// - Parameters:
    ///   - id: The container.
    ///   - condition: What to wait for.
    ///   - deadline: How long at most.
    /// - Returns: The exit code.
    /// - Throws: ``EngineError/connectionLost(operation:cause:)`` where the engine goes meanwhile: it then ends the answer
    ///   with status 200 and an empty or cut body, which says nothing about the container.
    package func waitForContainer(
        _ id: String,
        _ condition: WaitCondition = .notRunning,
        deadline: Duration
    ) async throws -> ContainerExit {
        let wait = request(.POST, containerPath(id, "wait"), "wait for container \(short(id))", deadline: deadline)
            .with(query: [("condition", condition.rawValue)])
        let (_, body) = try await transport.collect(wait, version: version)
        guard let exit = try? JSONDecoder().decode(ContainerExit.self, from: body) else {
            throw EngineError.connectionLost(operation: wait.operation, cause: nil)
        }
        return exit
    }

    /// `GET /containers/{id}/json`.
    ///
    /// - Returns: The container, or `nil` where there is none by that ID.
    package func inspectContainer(_ id: String) async throws -> ContainerInspection? {
        do {
            return try await call(request(.GET, containerPath(id, "json"), "inspect container \(short(id))"))
        } catch let error as EngineError where error.statusCode == 404 {
            return nil
        }
    }

    /// `GET /containers/json`: the containers that carry all of the labels; without labels, all.
    ///
    /// - Parameters:
    ///   - labels: What they must carry.
    ///   - includeStopped: Those that do not run as well.
    /// - Returns: One row a container, the newest first.
    /// - Throws: ``EngineError`` or `CancellationError`.
    package func containers(
        labels: [String: String] = [:],
        includeStopped: Bool = true
    ) async throws -> [ContainerSummary] {
        var list = request(.GET, "/containers/json", "list containers")
        if includeStopped { list.query.append(("all", "true")) }
        if !labels.isEmpty { list.query.append(try LabelFilter(labels).query) }
        return try await call(list)
    }

    /// `GET /containers/{id}/logs`: the container's output from its begin.
    ///
    /// A slow reader of logs does not block the container, a slow reader of an attached stream can
    /// ([moby#22502](https://github.com/moby/moby/issues/22502)).
    ///
    /// - Parameters:
    ///   - id: The container; it must not have a terminal.
    ///   - follow: Goes on until the container has exited.
    ///   - onFrames: Called with the frames that arrived together, in order.
    /// - Throws: ``EngineError``, `CancellationError`, or what the closure throws.
    package func containerLogs(
        _ id: String,
        follow: Bool,
        onFrames: ([LogFrame]) async throws -> Void
    ) async throws {
        let logs = request(.GET, containerPath(id, "logs"), "read the output of container \(short(id))")
            .with(query: [("stdout", "true"), ("stderr", "true"), ("follow", follow ? "true" : "false")])
        let response = try await open(logs)
        var decoder = LogFrameDecoder()
        try await response.forEachChunk { chunk in
            let frames: [LogFrame]
            do {
                frames = try decoder.decode(chunk)
            } catch {
                throw EngineError.invalidAnswer(operation: logs.operation, detail: "\(error)")
            }
            if !frames.isEmpty { try await onFrames(frames) }
        }
        if decoder.isInsideFrame { throw EngineError.connectionLost(operation: logs.operation, cause: nil) }
    }

    /// `GET /containers/{id}/stats`: a sample a second until the container has gone or the task is cancelled.
    package func containerStatistics(
        _ id: String,
        onSample: (ContainerStatistics) async throws -> Void
    ) async throws {
        let statistics = request(.GET, containerPath(id, "stats"), "sample container \(short(id))")
            .with(query: [("stream", "true")])
        try await open(statistics).forEachLine(as: ContainerStatistics.self, onSample)
    }

    /// `POST /containers/{id}/stop`: asks it to stop, and kills it after the grace. Does nothing to a stopped one.
    ///
    /// - Parameters:
    ///   - id: The container.
    ///   - grace: Between the stop signal and KILL; whole seconds, rounded up.
    /// - Throws: ``EngineError`` or `CancellationError`.
    package func stopContainer(_ id: String, grace: Duration) async throws {
        let seconds = max(0, Int(grace.inSeconds.rounded(.up)))
        try await call(
            request(
                .POST,
                containerPath(id, "stop"),
                "stop container \(short(id))",
                // The engine answers when it has stopped: the grace comes before its own time.
                deadline: deadlines.call + .seconds(seconds)
            )
            .with(query: [("t", String(seconds))])
        )
    }

    /// `POST /containers/{id}/kill`: sends a signal to its first process.
    ///
    /// - Throws: A status of 409 where the container does not run.
    package func killContainer(_ id: String, signal: String = "KILL") async throws {
        try await call(
            request(.POST, containerPath(id, "kill"), "send \(signal) to container \(short(id))")
                .with(query: [("signal", signal)])
        )
    }

    /// `DELETE /containers/{id}`: removes it with its anonymous volumes, killing it first where it still runs.
    ///
    /// One that is already gone, or that the engine is removing already, is no error.
    package func removeContainer(_ id: String) async throws {
        let removal = request(
            .DELETE,
            containerPath(id, nil),
            "remove container \(short(id))",
            deadline: deadlines.remove
        )
        do {
            try await call(removal.with(query: [("force", "true"), ("v", "true")]))
        } catch let error as EngineError where error.statusCode == 404 {
            return
        } catch let error as EngineError where error.statusCode == 409 {
            // Its removal is under way: by an earlier call whose answer was lost, or by somebody else.
            _ = try await waitForContainerToGo(id)
        }
    }

    private func waitForContainerToGo(_ id: String) async throws -> ContainerExit? {
        do {
            return try await waitForContainer(id, .removed, deadline: deadlines.remove)
        } catch let error as EngineError where error.statusCode == 404 {
            return nil
        }
    }

    func containerPath(_ id: String, _ action: String?) -> String {
        "/containers/\(PercentEncoding.encode(id))" + (action.map { "/\($0)" } ?? "")
    }

    /// A container's ID as people see it elsewhere.
    func short(_ id: String) -> String {
        id.count == 64 ? String(id.prefix(12)) : id
    }
}
