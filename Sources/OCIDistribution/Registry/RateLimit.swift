package import NIOHTTP1

/// How many manifests a registry still gives out, as Docker Hub says on every answer
/// (docs.docker.com, "Pull usage and limits").
package struct RateLimit: Hashable, Sendable {
    /// Manifests in a window.
    package let limit: Int?
    /// Manifests left.
    package let remaining: Int?
    /// The length of the window.
    package let window: Duration?
    /// What is counted: an address or an account's id.
    package let source: String?

    /// Reads `ratelimit-limit`, `ratelimit-remaining` (`100;w=21600`) and `docker-ratelimit-source`.
    ///
    /// - Returns: `nil` where the answer names no limit.
    package init?(headers: HTTPHeaders) {
        let limit = headers.first(name: "ratelimit-limit").map(Self.parse)
        let remaining = headers.first(name: "ratelimit-remaining").map(Self.parse)
        self.limit = limit?.count
        self.remaining = remaining?.count
        self.window = remaining?.window ?? limit?.window
        self.source = headers.first(name: "docker-ratelimit-source").flatMap { text in
            text.utf8.count <= 128 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } ? text : nil
        }
        if self.limit == nil, self.remaining == nil { return nil }
    }

    private static func parse(_ text: String) -> (count: Int?, window: Duration?) {
        let fields = text.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
        let window = fields.dropFirst().first { $0.hasPrefix("w=") }.flatMap { nonNegative($0.dropFirst(2)) }
        return (fields.first.flatMap { nonNegative($0[...]) }, window.map { .seconds($0) })
    }

    private static func nonNegative(_ text: Substring) -> Int? {
        text.utf8.count <= 12 && !text.isEmpty && text.utf8.allSatisfy(\.isDigit) ? Int(text) : nil
    }
}
