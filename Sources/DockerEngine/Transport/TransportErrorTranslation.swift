import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import RoostCore

/// Turns what the HTTP client and the sockets throw into an ``EngineError`` by type and error number, never by text.
struct TransportErrorTranslation {
    let endpoint: EngineEndpoint
    let operation: String
    let limit: Duration

    func translate(_ error: any Error) -> any Error {
        switch error {
        case is EngineError, is CancellationError: error
        case let error as HTTPClientError: translate(error)
        case let error as IOError: translate(error)
        case let error as NIOConnectionError: translate(error)
        case is DeadlineExceeded: EngineError.timedOut(operation: operation, limit: limit)
        case ChannelError.connectTimeout: EngineError.unreachable(endpoint: endpoint.description, cause: error)
        // A parser at the end of input, and TLS without its closing message: the engine went in the middle.
        case is ChannelError, HTTPParserError.invalidEOFState, NIOSSLError.uncleanShutdown:
            EngineError.connectionLost(operation: operation, cause: error)
        case is HTTPParserError: EngineError.invalidAnswer(operation: operation, detail: "it is not HTTP")
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            EngineError.unreachable(endpoint: endpoint.description, cause: TLSHandshakeFailed(cause: error))
        default: EngineError.unreachable(endpoint: endpoint.description, cause: error)
        }
    }

    private func translate(_ error: HTTPClientError) -> any Error {
        switch error {
        case .cancelled:
            CancellationError()
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            EngineError.timedOut(operation: operation, limit: limit)
        case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
            EngineError.unreachable(endpoint: endpoint.description, cause: error)
        default:
            EngineError.connectionLost(operation: operation, cause: error)
        }
    }

    private func translate(_ error: IOError) -> any Error {
        switch (error.errnoCode, endpoint.address) {
        case (ENOENT, .unix(let path)): EngineError.socketMissing(path: path)
        case (EACCES, .unix(let path)), (EPERM, .unix(let path)): EngineError.permissionDenied(path: path)
        case (ECONNREFUSED, _): EngineError.connectionRefused(endpoint: endpoint.description)
        case (ECONNRESET, _), (EPIPE, _), (ENOTCONN, _), (EBADF, _):
            EngineError.connectionLost(operation: operation, cause: error)
        default: EngineError.unreachable(endpoint: endpoint.description, cause: error)
        }
    }

    /// A failure to connect to a name: one error for each address that was tried.
    private func translate(_ error: NIOConnectionError) -> any Error {
        if let refused = error.connectionErrors.first(where: { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }) {
            return translate(refused.error)
        }
        return EngineError.unreachable(endpoint: endpoint.description, cause: error)
    }
}

/// TLS could not be agreed on. The library's own words are of no use to people: its error queue with source lines.
private struct TLSHandshakeFailed: Error, CustomStringConvertible {
    let cause: any Error

    var description: String {
        "TLS failed: it speaks plain HTTP, then unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH; or the certificates in "
            + "DOCKER_CERT_PATH do not fit: ca.pem must have signed the engine's, for this name, and the engine must "
            + "accept cert.pem"
    }
}
