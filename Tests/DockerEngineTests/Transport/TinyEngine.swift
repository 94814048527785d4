import NIOHTTP1
import RoostTesting

@testable import DockerEngine

/// Deadlines that end a test's wait for an engine that does not answer.
let shortDeadlines = EngineDeadlines(call: .seconds(1), start: .seconds(1), remove: .seconds(1))

extension EngineError {
    /// The case without its values.
    var kind: String {
        switch self {
        case .socketMissing: "socketMissing"
        case .permissionDenied: "permissionDenied"
        case .connectionRefused: "connectionRefused"
        case .connectionLost: "connectionLost"
        case .unreachable: "unreachable"
        default: "other"
        }
    }

    var isTimeout: Bool { if case .timedOut = self { true } else { false } }
    var isConnectionLoss: Bool { if case .connectionLost = self { true } else { false } }
}

/// Just enough of an engine to connect to.
enum TinyEngine {
    @Sendable static func handle(_ request: HTTPTestRequest, _ answer: HTTPTestResponder) async throws {
        switch request.components.last {
        case "_ping": try await answer.respond(.ok, headers: ["Api-Version": "1.41"], text: "OK")
        case "version": try await answer.respond(.ok, text: #"{"Version": "20.10.24", "ApiVersion": "1.41"}"#)
        case "attach":
            let connection = try await answer.hijack()
            for try await bytes in connection.bytes { try await connection.write(bytes) }
        default: try await answer.respond(.ok, text: "[]")
        }
    }
}
