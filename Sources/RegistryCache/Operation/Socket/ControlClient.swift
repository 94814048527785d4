import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// What went wrong between a verb and the cache.
package enum ControlFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody listens on any of these paths.
    case notServed([String])
    case forbidden(String)
    /// The cache has said no.
    case refused(String)
    case broken(String)

    package var description: String {
        switch self {
        case .notServed(let paths):
            "no cache is served here: start it with 'roost cache serve' (looked for \(paths.joined(separator: " and ")))"
        case .forbidden(let path):
            "\(path) belongs to the user that serves the cache: call this as that user, or by sudo"
        case .refused(let reason): reason
        case .broken(let reason): "the cache did not answer to the end: \(reason)"
        }
    }
}

/// Asks a cache on its control socket.
package struct ControlClient: Sendable {
    private let http: HTTPClient
    private let path: String

    /// - Parameters:
    ///   - paths: Where the socket may be; the first that is there is taken.
    ///   - body: Gets the client.
    /// - Throws: ``ControlFailure``, or what `body` throws.
    package static func with<Value: Sendable>(
        _ paths: [String],
        _ body: @Sendable (ControlClient) async throws -> Value
    ) async throws -> Value {
        guard let path = try paths.first(where: { try isThere($0) }) else { throw ControlFailure.notServed(paths) }
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(ControlClient(http: http, path: path))
            try await http.shutdown()
            return value
        } catch {
            // What went wrong first is told.
            try? await http.shutdown()
            throw error
        }
    }

    private static func isThere(_ path: String) throws -> Bool {
        var facts = stat()
        guard lstat(path, &facts) != 0 else { return true }
        if errno == EACCES { throw ControlFailure.forbidden(path) }
        return false
    }

    /// A document.
    ///
    /// - Throws: ``ControlFailure``, or `CancellationError`.
    package func document<Document: Decodable>(_ type: Document.Type, _ route: ControlRoute) async throws -> Document {
        var text = Data()
        try await chunks(route) { chunk in
            text.append(contentsOf: chunk.readableBytesView)
        }
        do {
            return try ControlJSON.decode(Document.self, from: text)
        } catch {
            throw ControlFailure.broken("what it says is no \(type)")
        }
    }

    /// Text as it is.
    package func text(_ route: ControlRoute) async throws -> String {
        var text = ""
        var bytes: [UInt8] = []
        try await chunks(route) { bytes += Array($0.readableBytesView) }
        text = String(decoding: bytes, as: UTF8.self)
        return text
    }

    /// A document that takes its time.
    ///
    /// - Parameters:
    ///   - type: What comes last.
    ///   - route: What to ask for.
    ///   - progress: Told of each step.
    /// - Throws: ``ControlFailure``, or `CancellationError`.
    package func document<Document: Codable & Sendable>(
        _ type: Document.Type,
        _ route: ControlRoute,
        progress: (CacheProgress) async throws -> Void
    ) async throws -> Document {
        var rest: [UInt8] = []
        var result: Document?
        try await chunks(route) { chunk in
            rest += Array(chunk.readableBytesView)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let text = Data(rest[..<end])
                rest.removeSubrange(...end)
                let line: ControlLine<Document>
                do {
                    line = try ControlJSON.decode(ControlLine<Document>.self, from: text)
                } catch {
                    throw ControlFailure.broken("what it says is no \(type)")
                }
                if let step = line.progress { try await progress(step) }
                if let error = line.error { throw ControlFailure.refused(error) }
                if let document = line.result { result = document }
            }
        }
        guard let result else { throw ControlFailure.broken("it was stopped") }
        return result
    }

    private func chunks(_ route: ControlRoute, _ receive: (ByteBuffer) async throws -> Void) async throws {
        let (method, target) = route.request
        var request = HTTPClientRequest(url: "http+unix://\(PercentText.encode(path))\(target)")
        request.method = method
        // Over a unix socket async-http-client sends no Host of its own.
        request.headers.replaceOrAdd(name: "Host", value: "roost")
        do {
            // A verification may take hours.
            let response = try await http.execute(request, deadline: .distantFuture)
            guard response.status == .ok else {
                let body = try await response.body.collect(upTo: 1 << 20)
                let document = try? ControlJSON.decode(ControlErrorDocument.self, from: Data(body.readableBytesView))
                throw ControlFailure.refused(document?.error ?? "the cache answered \(response.status)")
            }
            for try await chunk in response.body { try await receive(chunk) }
            try Task.checkCancellation()
        } catch let error as IOError where error.errnoCode == ECONNREFUSED || error.errnoCode == ENOENT {
            throw ControlFailure.notServed([path])
        } catch let error as IOError where error.errnoCode == EACCES {
            throw ControlFailure.forbidden(path)
        } catch let error as HTTPClientError where error == .cancelled {
            throw CancellationError()
        } catch let error as HTTPClientError {
            throw ControlFailure.broken("\(error)")
        } catch let error as HTTPParserError {
            throw ControlFailure.broken("\(error)")
        } catch let error as IOError {
            throw ControlFailure.broken("\(error)")
        }
    }
}
