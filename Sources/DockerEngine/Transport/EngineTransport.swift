import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import RoostCore

/// Sends requests to one engine over a unix socket, tcp or TLS.
///
/// Holds connections in a pool without an effective upper bound: every running step keeps two streams open, and a
/// request that waits for a place in the pool would look like an engine that does not answer.
struct EngineTransport: Sendable {
    let endpoint: EngineEndpoint
    private let client: HTTPClient
    private let baseURL: String

    init(endpoint: EngineEndpoint) throws(EngineError) {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(10)
        // An engine that is down should be said to be down at once; whoever wants to wait for it asks again.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4096
        switch endpoint.address {
        case .unix(let path):
            baseURL = "http+unix://\(PercentEncoding.encode(path))"
        case .tcp(let host, let port):
            let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            baseURL = "\(endpoint.tls == nil ? "http" : "https")://\(authority)"
        }
        if let tls = endpoint.tls {
            configuration.tlsConfiguration = try tls.clientConfiguration()
        }
        self.endpoint = endpoint
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func shutdown() async throws {
        try await client.shutdown()
    }

    /// Sends a request and returns as soon as the answer begins.
    ///
    /// - Returns: The head, and the body as a stream that is cancelled with the task that reads it.
    /// - Throws: ``EngineError``, or `CancellationError`. A status of 400 or more is thrown with the engine's message.
    func open(_ request: EngineRequest, version: APIVersion?) async throws -> EngineResponse {
        var outgoing = HTTPClientRequest(url: baseURL + request.target(version: version))
        outgoing.method = request.method
        outgoing.headers = request.headers
        // Over a unix socket async-http-client sends no Host, and an engine answers 400 to such a request.
        outgoing.headers.replaceOrAdd(name: "Host", value: hostHeader)
        outgoing.headers.replaceOrAdd(name: "User-Agent", value: "roost")
        if let body = request.body { outgoing.body = .bytes(body) }
        let response: HTTPClientResponse
        do {
            response = try await client.execute(outgoing, timeout: TimeAmount(request.deadline))
        } catch {
            throw translate(error, request)
        }
        let opened = EngineResponse(
            status: Int(response.status.code),
            headers: response.headers,
            body: response.body,
            request: request,
            transport: self
        )
        if opened.status >= 400 {
            // The message is worth a moment, but no more: the status alone is an answer too.
            let bytes = try? await withDeadline(.seconds(5), request.operation, body: { try await opened.collect() })
            throw EngineError.status(
                operation: request.operation,
                code: opened.status,
                message: EngineMessage.text(in: bytes, status: opened.status)
            )
        }
        return opened
    }

    /// Sends a request and reads the whole answer within the request's deadline.
    func collect(_ request: EngineRequest, version: APIVersion?) async throws -> (EngineResponse, Data) {
        do {
            return try await withDeadline(request.deadline, request.operation) {
                let response = try await open(request, version: version)
                return (response, try await response.collect())
            }
        } catch {
            throw translate(error, request)
        }
    }

    /// What the `Host` header says; an engine on a socket accepts any name.
    var hostHeader: String {
        switch endpoint.address {
        case .unix: "docker"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    func translate(_ error: any Error, _ request: EngineRequest) -> any Error {
        TransportErrorTranslation(endpoint: endpoint, operation: request.operation, limit: request.deadline)
            .translate(error)
    }
}

/// The begin of an answer, with its body still to be read.
struct EngineResponse: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: HTTPClientResponse.Body
    let request: EngineRequest
    let transport: EngineTransport

    /// The most that is read of an answer that is not a stream: no list of the engine comes near it.
    private static let largestAnswer = 64 << 20

    /// Calls `receive` with each piece of the body as it arrives.
    ///
    /// - Throws: ``EngineError/connectionLost(operation:cause:)`` where the connection ends before the answer does.
    func forEachChunk(_ receive: (ByteBuffer) async throws -> Void) async throws {
        var chunks = body.makeAsyncIterator()
        while true {
            let chunk: ByteBuffer?
            do {
                chunk = try await chunks.next()
            } catch {
                throw transport.translate(error, request)
            }
            // A cancelled body ends like a finished one; the caller must not take it for the whole.
            try Task.checkCancellation()
            guard let chunk else { return }
            try await receive(chunk)
        }
    }

    func collect() async throws -> Data {
        var collected = ByteBuffer()
        try await forEachChunk { chunk in
            guard collected.readableBytes + chunk.readableBytes <= Self.largestAnswer else {
                throw EngineError.invalidAnswer(operation: request.operation, detail: "it is larger than 64 MiB")
            }
            collected.writeImmutableBuffer(chunk)
        }
        return Data(buffer: collected)
    }
}

/// The engine's error bodies: `{"message": "…"}`.
enum EngineMessage {
    private struct Body: Decodable {
        let message: String
    }

    static func text(in bytes: Data?, status: Int) -> String {
        guard let bytes, !bytes.isEmpty else { return HTTPResponseStatus(statusCode: status).reasonPhrase }
        if let body = try? JSONDecoder().decode(Body.self, from: bytes) { return body.message }
        return String(decoding: bytes.prefix(500), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000)
    }
}

extension EngineTLS {
    /// The TLS configuration of a client that shows `cert.pem` and trusts `ca.pem`.
    func clientConfiguration() throws(EngineError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        func path(_ name: String) -> String { certificateFolder + "/" + name }
        do {
            if FileManager.default.fileExists(atPath: path("ca.pem")) {
                configuration.trustRoots = .file(path("ca.pem"))
            }
            if FileManager.default.fileExists(atPath: path("cert.pem")) {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(path("cert.pem"))
                    .map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: path("key.pem"), format: .pem))
            }
        } catch {
            throw .badConfiguration(
                "the certificates in \(certificateFolder) can't be read (\(error)); "
                    + "DOCKER_CERT_PATH names a folder with ca.pem, cert.pem and key.pem"
            )
        }
        if !verifiesEngine { configuration.certificateVerification = .none }
        return configuration
    }
}
