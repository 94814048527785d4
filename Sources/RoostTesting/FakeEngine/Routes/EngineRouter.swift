import DockerEngine
import Foundation
import NIOCore
import NIOHTTP1
import RoostCore

/// One call on its way through the fake engine.
struct EngineCall: Sendable {
    let method: HTTPMethod
    /// Without the API version, percent-decoded.
    let path: [String]
    let body: ByteBuffer
    let request: HTTPTestRequest
    let answer: FakeAnswer

    /// Go's reading of a boolean in a query.
    func flag(_ name: String) -> Bool { ["1", "true", "True"].contains(request.queryValue(name) ?? "") }

    func decode<Body: Decodable>(_: Body.Type) throws -> Body {
        do {
            return try JSONDecoder().decode(Body.self, from: Data(body.readableBytesView))
        } catch {
            throw Refusal(.badRequest, "invalid JSON: \(error)")
        }
    }

    /// The `filters` of a list or of the events.
    func filters(knowing known: Set<String>) throws -> [String: [String]] {
        guard let text = request.queryValue("filters"), !text.isEmpty else { return [:] }
        let data = Data(text.utf8)
        let filters: [String: [String]]
        if let lists = try? JSONDecoder().decode([String: [String]].self, from: data) {
            filters = lists
        } else if let sets = try? JSONDecoder().decode([String: [String: Bool]].self, from: data) {
            filters = sets.mapValues { $0.filter(\.value).keys.sorted() }
        } else {
            throw Refusal(.badRequest, "invalid filters")
        }
        if let unknown = filters.keys.first(where: { !known.contains($0) }) {
            throw Refusal(.badRequest, "Invalid filter '\(unknown)'")
        }
        return filters
    }
}

/// An answer with an error status.
struct Refusal: Error {
    let status: HTTPResponseStatus
    let message: String

    init(_ status: HTTPResponseStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}

/// Finds what answers a call, after the faults.
struct EngineRouter: Sendable {
    let engine: FakeEngine

    func handle(_ request: HTTPTestRequest, _ responder: HTTPTestResponder) async throws {
        // As Go's HTTP server answers before the engine sees the request.
        guard let host = request.headers.first(name: "host"), !host.isEmpty else {
            return try await responder.respond(.badRequest, text: "400 Bad Request: missing required Host header")
        }
        var path = request.components
        var version: String?
        if let first = path.first, first.hasPrefix("v"), APIVersion(parsing: first) != nil {
            version = String(first.dropFirst())
            path.removeFirst()
        }
        let number = engine.log.begin(request, version: version, path: path)
        let fault = engine.faults.take(request.method, path)
        let answer = FakeAnswer(responder, number: number, fault: fault, log: engine.log)
        do {
            let call = EngineCall(
                method: request.method,
                path: path,
                body: try await body(of: request, number: number),
                request: request,
                answer: answer
            )
            try await apply(fault, to: call, version: version, responder)
            engine.log.end(number, Task.isCancelled ? .abandoned : .answered)
        } catch is FakeAnswer.EndedByFault {
            engine.log.end(number, .answered)
        } catch {
            engine.log.end(number, .abandoned)
            throw error
        }
    }

    private func body(of request: HTTPTestRequest, number: Int) async throws -> ByteBuffer {
        guard !request.headers.contains(name: "upgrade") else { return ByteBuffer() }
        let body = try await request.collectBody()
        if body.readableBytes > 0 { engine.log.setBody(body, of: number) }
        return body
    }

    private func apply(
        _ fault: FakeEngine.Fault?,
        to call: EngineCall,
        version: String?,
        _ responder: HTTPTestResponder
    ) async throws {
        switch fault {
        case .status(let code, let message):
            return try await call.answer.failure(HTTPResponseStatus(statusCode: code), message)
        case .dropConnection:
            return try await responder.abort()
        case .noAnswer:
            try await responder.hang()
        case .hold(let latch):
            await latch.wait()
            try Task.checkCancellation()
        case .loseAnswer, .cutBody, .endBody, nil:
            break
        }
        do {
            try check(version)
            try await route(call)
        } catch let refusal as Refusal {
            try await call.answer.failure(refusal.status, refusal.message)
        }
    }

    private func check(_ version: String?) throws {
        guard let version, let asked = APIVersion(parsing: version) else { return }
        let identity = engine.identity
        if asked > identity.apiVersion {
            throw Refusal(
                .badRequest,
                "client version \(asked) is too new. Maximum supported API version is \(identity.apiVersion)"
            )
        }
        if asked < identity.minimumAPIVersion {
            throw Refusal(
                .badRequest,
                "client version \(asked) is too old. Minimum supported API version is \(identity.minimumAPIVersion), "
                    + "please upgrade your client to a newer version"
            )
        }
    }

    private func route(_ call: EngineCall) async throws {
        let rest = Array(call.path.dropFirst())
        switch call.path.first {
        case "_ping", "version", "info", "events":
            if try await SystemRoutes(engine: engine).handle(call) { return }
        case "images":
            if try await ImageRoutes(engine: engine).handle(call, rest) { return }
        case "containers":
            if try await ContainerRoutes(engine: engine).handle(call, rest) { return }
        case "exec":
            if try await ExecRoutes(engine: engine).handle(call, rest) { return }
        case "networks":
            if try await NetworkRoutes(engine: engine).handle(call, rest) { return }
        case "volumes":
            if try await VolumeRoutes(engine: engine).handle(call, rest) { return }
        default: break
        }
        throw Refusal(.notFound, "page not found")
    }
}
