import AsyncHTTPClient
import NIOCore
import NIOHTTP1

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

    /// An answer whose body is in memory.
    struct Response: RegistryAnswer {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]
        let redirectedTo: String?
    }

    /// An answer whose body is still to come.
    struct OpenResponse: RegistryAnswer {
        let status: Int
        let headers: HTTPHeaders
        let body: RegistryBody
        let redirectedTo: String?
    }

    /// As many as Go's clients with registries in mind allow; real ones need one or two.
    static let mostRedirects = 5

    /// How much of an error's body is read for its code.
    private static let errorBodyLimit = 16 << 10

    let dialler: any RegistryDialler

    init(http: HTTPClient) {
        self.init(dialler: OpenDialler(http: http))
    }

    init(dialler: any RegistryDialler) {
        self.dialler = dialler
    }

    /// Sends a request and reads the whole answer.
    func send(_ request: Request) async throws(RegistryError.Failure) -> Response {
        let response = try await open(request)
        return try await Self.collect(response, of: request)
    }

    /// Sends a request and returns when its answer begins.
    func open(_ request: Request) async throws(RegistryError.Failure) -> OpenResponse {
        var request = request
        let origin = request.address
        var hasLeft = false
        for _ in 0...Self.mostRedirects {
            let response = try await exchange(request)
            guard request.form == nil, [301, 302, 303, 307, 308].contains(response.status),
                let location = response.headers.first(name: "location")
            else {
                return OpenResponse(
                    status: response.status,
                    headers: response.headers,
                    body: response.body,
                    redirectedTo: hasLeft ? request.address.host : nil
                )
            }
            // Read to its end, so that the connection can be used again.
            _ = try await Self.collect(response, of: request)
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

    /// Reads the body of an answer: of content all of it, of anything else the begin.
    static func collect(_ response: OpenResponse, of request: Request) async throws(RegistryError.Failure) -> Response {
        let isContent = (200...299).contains(response.status)
        let limit = isContent ? request.limit : errorBodyLimit
        var body: [UInt8] = []
        if request.method != .HEAD {
            if isContent, let length = response.headers.first(name: "content-length").flatMap(Int.init), length > limit
            {
                throw .tooLarge(limit: limit)
            }
            body = try await response.body.collect(upTo: limit, cuts: !isContent)
        }
        return Response(
            status: response.status,
            headers: response.headers,
            body: body,
            redirectedTo: response.redirectedTo
        )
    }

    private static func target(of location: String, from base: WebAddress) throws(RegistryError.Failure) -> WebAddress {
        guard let next = WebAddress(parsing: location, relativeTo: base) else {
            throw .invalidResponse("it redirects to something that is no web address")
        }
        if base.isSecure, !next.isSecure { throw .invalidResponse("it redirects from HTTPS to plain HTTP") }
        if next.isLoopback, !base.isLoopback { throw .invalidResponse("it redirects to this machine") }
        return next
    }

    private func exchange(_ request: Request) async throws(RegistryError.Failure) -> OpenResponse {
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
        let http = try await dialler.client(for: request.address.host, port: request.address.port)
        do {
            // The caller's deadline cancels this task; this one is a bound for the whole of the largest bodies.
            let response = try await http.execute(outgoing, timeout: .hours(24))
            try Task.checkCancellation()
            return OpenResponse(
                status: Int(response.status.code),
                headers: response.headers,
                body: RegistryBody(response.body),
                redirectedTo: nil
            )
        } catch {
            throw Self.failure(from: error)
        }
    }

    static func failure(from error: any Error) -> RegistryError.Failure {
        switch error {
        case let failure as RegistryError.Failure: failure
        case let refusal as AddressRefusal: .invalidResponse(refusal.description)
        case is CancellationError: .cancelled
        case let error as HTTPClientError where error == .cancelled: .cancelled
        default: Task.isCancelled ? .cancelled : .unreachable(cause: error)
        }
    }
}

/// What is asked of an answer before its body.
protocol RegistryAnswer: Sendable {
    var status: Int { get }
    var headers: HTTPHeaders { get }
    /// The host that answered, where a redirect led away from the one asked.
    var redirectedTo: String? { get }
}
