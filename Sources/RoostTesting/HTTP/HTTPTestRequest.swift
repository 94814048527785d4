import Foundation
package import NIOCore
package import NIOHTTP1

/// One request as a test's handler sees it.
package struct HTTPTestRequest: Sendable {
    package let method: HTTPMethod
    /// The request target as it was sent: path and query, still percent-encoded.
    package let target: String
    /// The path as it was sent, still percent-encoded, without the query.
    package let path: String
    /// The path's non-empty components, percent-decoded one by one, so an encoded slash stays inside its component.
    package let components: [String]
    /// The query's items in order, percent-decoded. An item without `=` has an empty value.
    package let query: [QueryItem]
    package let headers: HTTPHeaders
    package let version: HTTPVersion
    /// Numbers the server's connections from 1, so a test can tell whether two requests shared one.
    package let connection: Int
    /// The body as it arrives. It can be read once.
    package let body: ByteStream

    package struct QueryItem: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    init(head: HTTPRequestHead, connection: Int, body: ByteStream) {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = head.method
        self.target = head.uri
        self.path = parts.first.map(String.init) ?? ""
        self.components = path.split(separator: "/").map { Self.decode($0) }
        self.query = parts.count < 2 ? [] : Self.items(of: parts[1])
        self.headers = head.headers
        self.version = head.version
        self.connection = connection
        self.body = body
    }

    /// The first value of the query item `name`.
    package func queryValue(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// All values of the query item `name`, in order.
    package func queryValues(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// The whole body. See ``ByteStream/collect(upTo:)``.
    package func collectBody(upTo limit: Int = 64 * 1024 * 1024) async throws -> ByteBuffer {
        try await body.collect(upTo: limit)
    }

    private static func decode(_ text: Substring) -> String { text.removingPercentEncoding ?? String(text) }

    private static func items(of query: Substring) -> [QueryItem] {
        query.split(separator: "&").map { item in
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // A plus is a space in a query, as both Go's and browsers' encoders write it.
            let decoded = pair.map { decode(Substring($0.replacing("+", with: " "))) }
            return QueryItem(name: decoded.first ?? "", value: decoded.count > 1 ? decoded[1] : "")
        }
    }
}
