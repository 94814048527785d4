package import AsyncHTTPClient
package import NIOCore
import NIOHTTP1
import NIOPosix

extension RegistryClient {
    /// Makes a client with connections of its own, runs `body`, and closes them.
    ///
    /// - Parameters:
    ///   - credentials: Where credentials come from.
    ///   - body: What to do with it.
    /// - Returns: What the body returns.
    /// - Throws: What the body throws.
    package static func with<Value: Sendable>(
        credentials: any CredentialSource,
        body: (RegistryClient) async throws -> Value
    ) async throws -> Value {
        let http = makeHTTPClient()
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(RegistryClient(http: http, credentials: credentials)))
        } catch {
            result = .failure(error)
        }
        // The outcome is the body's; a connection that fails to close has nothing to add to it.
        try? await http.shutdown()
        return try result.get()
    }

    /// Makes an HTTP client fit for registries, to be shared by all that talk to them and shut down by its maker.
    ///
    /// It follows no redirects, since the client has to judge each; it unpacks nothing, since digests are of the exact
    /// bytes; and it reports a refused connection at once instead of trying until the deadline.
    ///
    /// - Parameter eventLoopGroup: Where it runs; the process's shared threads where it is `nil`.
    /// - Returns: The client.
    package static func makeHTTPClient(
        eventLoopGroup: (any EventLoopGroup)? = nil
    ) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        let group = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }
}

/// Sends requests and follows redirects, dropping secrets where they lead elsewhere.
struct RegistryTransport: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod = .GET
        var address: WebAddress
        var headers: HTTPHeaders = [:]
        /// The value of `Authorization`, kept apart so that no redirect and no log takes it along.
        var authorization: String?
        /// The form to post.
        var form: String?
        /// The largest body to read, in bytes.
        var limit: Int
    }

    struct Response: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]
        /// The host that answered, where a redirect led away from the one asked.
        let redirectedTo: String?
    }

    /// As many as Go's clients with registries in mind allow; real ones need one or two.
    static let mostRedirects = 5

    /// How much of an error's body is read for its code.
    private static let errorBodyLimit = 16 << 10

    let http: HTTPClient

    func send(_ request: Request) async throws(RegistryError.Failure) -> Response {
        var request = request
        let origin = request.address
        var hasLeft = false
        for _ in 0...Self.mostRedirects {
            let (status, headers, body) = try await exchange(request)
            guard request.form == nil, [301, 302, 303, 307, 308].contains(status),
                let location = headers.first(name: "location")
            else {
                return Response(
                    status: status,
                    headers: headers,
                    body: body,
                    redirectedTo: hasLeft ? request.address.host : nil
                )
            }
            let next = try Self.target(of: location, from: request.address)
            if !next.hasSameOrigin(as: origin) {
                hasLeft = true
                // Never given back, even where a later redirect returns.
                request.authorization = nil
            }
            request.address = next
        }
        throw .invalidResponse("it redirects more than \(Self.mostRedirects) times")
    }

    private static func target(of location: String, from base: WebAddress) throws(RegistryError.Failure) -> WebAddress {
        guard let next = WebAddress(parsing: location, relativeTo: base) else {
            throw .invalidResponse("it redirects to something that is no web address")
        }
        if base.isSecure, !next.isSecure { throw .invalidResponse("it redirects from HTTPS to plain HTTP") }
        if next.isLoopback, !base.isLoopback { throw .invalidResponse("it redirects to this machine") }
        return next
    }

    private func exchange(
        _ request: Request
    ) async throws(RegistryError.Failure) -> (status: Int, headers: HTTPHeaders, body: [UInt8]) {
        var outgoing = HTTPClientRequest(url: request.address.description)
        outgoing.method = request.method
        outgoing.headers = request.headers
        outgoing.headers.replaceOrAdd(name: "User-Agent", value: "roost")
        if let authorization = request.authorization {
            outgoing.headers.replaceOrAdd(name: "Authorization", value: authorization)
        }
        if let form = request.form {
            outgoing.headers.replaceOrAdd(name: "Content-Type", value: "application/x-www-form-urlencoded")
            outgoing.body = .bytes(ByteBuffer(string: form))
        }
        do {
            // The caller's deadline cancels this task, which also covers the body; this one is a bound for the head.
            let response = try await http.execute(outgoing, timeout: .hours(1))
            let status = Int(response.status.code)
            let isContent = (200...299).contains(status)
            let limit = isContent ? request.limit : Self.errorBodyLimit
            var body: [UInt8] = []
            if request.method != .HEAD {
                if isContent, let length = response.headers.first(name: "content-length").flatMap(Int.init),
                    length > limit
                {
                    throw RegistryError.Failure.tooLarge(limit: limit)
                }
                for try await chunk in response.body {
                    guard body.count + chunk.readableBytes <= limit else {
                        if isContent { throw RegistryError.Failure.tooLarge(limit: limit) }
                        break
                    }
                    body.append(contentsOf: chunk.readableBytesView)
                }
            }
            try Task.checkCancellation()
            return (status, response.headers, body)
        } catch {
            throw Self.failure(from: error)
        }
    }

    private static func failure(from error: any Error) -> RegistryError.Failure {
        switch error {
        case let failure as RegistryError.Failure: failure
        case is CancellationError: .cancelled
        case let error as HTTPClientError where error == .cancelled: .cancelled
        default: Task.isCancelled ? .cancelled : .unreachable(cause: error)
        }
    }
}
