import Foundation
import NIOCore
import NIOHTTP1

/// One request of the Engine API before it goes on the wire.
struct EngineRequest: Sendable {
    var method: HTTPMethod
    /// The path below the API version, each component already percent-encoded.
    var path: String
    var query: [(name: String, value: String)] = []
    var headers: HTTPHeaders = [:]
    var body: Data?
    /// What is being done, for messages: `create container 'x'`.
    var operation: String
    /// How long the engine may take until its answer begins.
    var deadline: Duration

    init(_ method: HTTPMethod, _ path: String, operation: String, deadline: Duration) {
        self.method = method
        self.path = path
        self.operation = operation
        self.deadline = deadline
    }

    /// Sets the body to the JSON form of a value.
    func with(json value: some Encodable) throws -> EngineRequest {
        var copy = self
        copy.body = try JSONEncoder().encode(value)
        copy.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
        return copy
    }

    func with(query: [(name: String, value: String)]) -> EngineRequest {
        var copy = self
        copy.query += query
        return copy
    }

    /// Path and query as they go on the wire.
    func target(version: APIVersion?) -> String {
        let base = (version.map { "/v\($0)" } ?? "") + path
        guard !query.isEmpty else { return base }
        let pairs = query.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
        return base + "?" + pairs.joined(separator: "&")
    }
}

/// Percent-encoding of one path component or query value: all but RFC 3986's unreserved characters.
enum PercentEncoding {
    static func encode(_ text: String) -> String {
        var encoded = ""
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
