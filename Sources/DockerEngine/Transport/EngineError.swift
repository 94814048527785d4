import RoostCore

/// What went wrong between Roost and an engine.
///
/// Each case says what to do next; none of them holds a credential.
package enum EngineError: Error, Sendable, CustomStringConvertible {
    /// An address that no engine can have.
    case badAddress(String, reason: String)
    /// The configuration that names the engine can't be used, such as a context that doesn't exist.
    case badConfiguration(String)
    case socketMissing(path: String)
    case permissionDenied(path: String)
    /// Something is at the address, but nothing accepts connections.
    case connectionRefused(endpoint: String)
    case unreachable(endpoint: String, cause: any Error)
    /// The engine accepted the request and did not answer in time.
    case timedOut(operation: String, limit: Duration)
    /// The connection ended in the middle of an answer.
    case connectionLost(operation: String, cause: (any Error)?)
    /// The engine answered with an error status.
    case status(operation: String, code: Int, message: String)
    /// The engine answered 200, and then an error in the stream that followed.
    case inStream(operation: String, message: String)
    /// The answer is not what the API documents.
    case invalidAnswer(operation: String, detail: String)
    case unsupportedVersion(VersionMismatch)

    /// The HTTP status where the engine answered one.
    package var statusCode: Int? {
        if case .status(_, let code, _) = self { code } else { nil }
    }

    /// True where the engine itself is gone or does not answer, so that nothing can be said about its containers.
    package var isEngineUnavailable: Bool {
        switch self {
        case .socketMissing, .permissionDenied, .connectionRefused, .unreachable, .timedOut, .connectionLost: true
        default: false
        }
    }

    /// An address on one line, without the password that a user may have put before the `@`.
    private static func shown(_ address: String) -> String {
        guard let at = address.lastIndex(of: "@") else { return PrintableText.quoted(address, limit: 120) }
        let scheme = address.firstRange(of: "://").map { address[..<$0.upperBound] } ?? ""
        return PrintableText.quoted("\(scheme)…\(address[at...])", limit: 120)
    }

    package var description: String {
        switch self {
        case .badAddress(let address, let reason):
            "the engine address \(Self.shown(address)) can't be used: \(reason)"
        case .badConfiguration(let message):
            message
        case .socketMissing(let path):
            "no engine: there is no socket at \(path); start Docker, or set DOCKER_HOST to where it listens"
        case .permissionDenied(let path):
            "no permission to use the engine's socket \(path); join its group ('sudo usermod -aG docker $USER', "
                + "then log in again) or run as a user who may"
        case .connectionRefused(let endpoint):
            "the engine at \(endpoint) refuses connections; it has stopped or is starting: try 'systemctl start docker'"
        case .unreachable(let endpoint, let cause):
            "the engine at \(endpoint) can't be reached (\(cause)); check the address and the network"
        case .timedOut(let operation, let limit):
            "the engine did not answer within \(DurationText.format(limit)) to: \(operation); "
                + "it may be overloaded or hung: see its log"
        case .connectionLost(let operation, _):
            "the connection to the engine was lost during: \(operation); the engine may have stopped: see its log"
        case .status(let operation, let code, let message):
            "the engine answered \(code) to: \(operation): \(message)"
        case .inStream(let operation, let message):
            "the engine reported an error during: \(operation): \(message)"
        case .invalidAnswer(let operation, let detail):
            "the engine's answer to: \(operation) can't be understood: \(detail)"
        case .unsupportedVersion(let mismatch):
            mismatch.description
        }
    }
}
