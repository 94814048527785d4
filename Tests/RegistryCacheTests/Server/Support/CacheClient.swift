import NIOCore
import NIOPosix

/// A client that says just the bytes that a test wants to say, and reads answers one by one.
final class CacheClient {
    struct Response {
        let status: Int
        /// In the server's order, names in lowercase.
        let headers: [(name: String, value: String)]
        var body: [UInt8] = []
        /// Whether all of the body came that was announced.
        var isWhole = true

        subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct NoResponse: Error {}

    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var unread = ByteBuffer()
    let port: Int

    private init(
        _ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        port = channel.channel.localAddress?.port ?? 0
        self.outbound = outbound
        self.inbound = inbound.makeAsyncIterator()
    }

    /// Connects, and closes the connection after `body`.
    static func with<Result>(
        port: Int,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (CacheClient) async throws -> sending Result
    ) async throws -> sending Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            // Little is taken that the test does not read.
            .channelOption(.socketOption(.so_rcvbuf), value: 64 << 10)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(CacheClient(channel, inbound, outbound))
        }
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// Sends a request as registries' clients do, and reads its answer.
    func get(_ target: String, method: String = "GET", _ headers: [String] = []) async throws -> Response {
        try await send(Self.request(target, method: method, headers))
        return try await response(toHead: method == "HEAD")
    }

    static func request(_ target: String, method: String = "GET", _ headers: [String] = []) -> String {
        "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:5555\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// Reads one answer.
    ///
    /// - Throws: ``NoResponse`` where the connection ends before its head does.
    func response(toHead: Bool = false) async throws -> Response {
        let head = String(decoding: try await read(through: "\r\n\r\n"), as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw NoResponse()
        }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].lowercased(), String(line[colon...].dropFirst().drop { $0 == " " }))
        }
        var response = Response(status: status, headers: headers)
        if toHead || status == 304 { return response }
        if response["transfer-encoding"] == "chunked" {
            try await readChunks(into: &response)
        } else {
            let length = Int(response["content-length"] ?? "0") ?? 0
            response.body = try await read(upTo: length)
            response.isWhole = response.body.count == length
        }
        return response
    }

    private func readChunks(into response: inout Response) async throws {
        do {
            while true {
                let line = String(decoding: try await read(through: "\r\n"), as: UTF8.self).dropLast()
                guard let length = Int(line.filter(\.isHexDigit), radix: 16) else { throw NoResponse() }
                response.body += try await read(upTo: length)
                _ = try await read(through: "\r\n")
                if length == 0 { return }
            }
        } catch is NoResponse {
            response.isWhole = false
        }
    }

    /// Whether the server has ended the connection, with nothing more in it.
    func isAtEnd() async throws -> Bool { try await read(upTo: 1).isEmpty }

    /// Reads up to `count` bytes, fewer where the connection ends.
    func read(upTo count: Int) async throws -> [UInt8] {
        while unread.readableBytes < count, try await readMore() {}
        return unread.readBytes(length: min(count, unread.readableBytes)) ?? []
    }

    private func read(through marker: String) async throws -> [UInt8] {
        while true {
            let view = unread.readableBytesView
            if let range = view.firstRange(of: Array(marker.utf8)) {
                return unread.readBytes(length: range.upperBound - view.startIndex) ?? []
            }
            guard try await readMore() else { throw NoResponse() }
        }
    }

    private func readMore() async throws -> Bool {
        // A connection that is reset has ended, too.
        guard var chunk = try? await inbound.next() else { return false }
        unread.discardReadBytes()
        unread.writeBuffer(&chunk)
        return true
    }
}
