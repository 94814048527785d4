import NIOCore
import NIOHTTP1

/// What one request is answered with, before it is sent.
struct Answer {
    enum Body {
        case none
        case bytes(ByteBuffer)
        case stored(OpenBlob, Range<Int64>)
        case growing(any GrowingBlob, Range<Int64>)
        /// Of the whole blob's bytes, those in the range; all that come where there is none.
        case passing(UpstreamBody, Range<Int64>?)
    }

    var status: HTTPResponseStatus
    var fields: [Field] = []
    /// `Content-Length`; `nil` where nobody knows it, or there must be none.
    var length: Int64?
    var body: Body = .none
    /// For the log and the counters; `nil` for what the cache's content was not asked for.
    var result: CacheResult?
    /// The connection is closed after it.
    var closes = false

    struct Field: Hashable {
        let name: Name
        let value: String

        enum Name: String {
            case acceptRanges = "Accept-Ranges"
            case allow = "Allow"
            case contentRange = "Content-Range"
            case contentType = "Content-Type"
            case digest = "Docker-Content-Digest"
            case entityTag = "ETag"
            case result = "X-Roost-Cache"
            case retryAfter = "Retry-After"
            case warning = "Warning"
        }
    }

    /// `body` in full.
    init(
        _ status: HTTPResponseStatus,
        type: String? = nil,
        _ body: ByteBuffer? = nil,
        fields: [Field] = [],
        closes: Bool = false
    ) {
        self.status = status
        self.fields = fields
        self.closes = closes
        if let type { self.fields.append(Field(name: .contentType, value: type)) }
        length = Int64(body?.readableBytes ?? 0)
        if let body { self.body = .bytes(body) }
    }

    /// A refusal with its document.
    init(
        _ status: HTTPResponseStatus,
        _ code: ErrorDocument.Code,
        _ message: String,
        fields: [Field] = [],
        closes: Bool = false
    ) {
        let document = ErrorDocument(code: code, message: message)
        self.init(status, type: "application/json", document.bytes, fields: fields, closes: closes)
    }

    /// `GET /v2/`.
    static var ping: Answer { Answer(.ok, type: "application/json", ByteBuffer(string: "{}")) }

    /// Whether chunks tell where the body ends (RFC 9112, section 7.1).
    var isChunked: Bool { if case .passing(_, nil) = body { true } else { false } }

    /// HTTP/1.0 knows no chunks. There, only the end of the connection would tell the end of a body without a length, and one
    /// that has broken off would look whole.
    func fit(for version: HTTPVersion) -> Answer {
        guard isChunked, version.minor < 1 else { return self }
        return Answer(
            .httpVersionNotSupported,
            .unsupported,
            "this blob's size is not known: use HTTP/1.1",
            closes: true
        )
    }
}

extension ByteBuffer {
    /// Writes status line and fields.
    ///
    /// - Parameters:
    ///   - answer: Whose.
    ///   - isOld: Whether the client speaks HTTP/1.0.
    ///   - date: RFC 9110's `Date`.
    ///   - keepsAlive: What the client is told about the connection.
    mutating func writeHead(_ answer: Answer, isOld: Bool, date: String, keepsAlive: Bool) {
        writeStaticString("HTTP/1.1 ")
        writeString(String(answer.status.code))
        writeStaticString(" ")
        writeString(answer.status.reasonPhrase)
        writeStaticString("\r\nDate: ")
        writeString(date)
        writeStaticString("\r\nDocker-Distribution-Api-Version: registry/2.0\r\n")
        if let length = answer.length {
            writeStaticString("Content-Length: ")
            writeString(String(length))
            writeStaticString("\r\n")
        } else if answer.isChunked {
            writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        for field in answer.fields {
            writeString(field.name.rawValue)
            writeStaticString(": ")
            writeFieldValue(field.value)
            writeStaticString("\r\n")
        }
        if !keepsAlive {
            writeStaticString("Connection: close\r\n")
        } else if isOld {
            writeStaticString("Connection: keep-alive\r\n")
        }
        writeStaticString("\r\n")
    }

    /// Only what may stand in a value: media types and messages come from upstreams.
    private mutating func writeFieldValue(_ value: String) {
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) {
            writeString(value)
        } else {
            writeBytes(value.utf8.filter { $0 >= 0x20 && $0 < 0x7f })
        }
    }
}
