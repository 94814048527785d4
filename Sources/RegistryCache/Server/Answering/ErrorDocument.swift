import NIOCore

/// The body of a refusal, as the distribution specification has it ("Error Codes").
package struct ErrorDocument: Hashable, Sendable {
    /// The specification's codes that a cache has a use for, and the two that `distribution` adds for servers' own failures.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case blobUnknown = "BLOB_UNKNOWN"
        case manifestUnknown = "MANIFEST_UNKNOWN"
        case nameUnknown = "NAME_UNKNOWN"
        case nameInvalid = "NAME_INVALID"
        case digestInvalid = "DIGEST_INVALID"
        case denied = "DENIED"
        case unsupported = "UNSUPPORTED"
        case tooManyRequests = "TOOMANYREQUESTS"
        case unavailable = "UNAVAILABLE"
        case unknown = "UNKNOWN"
    }

    let code: Code
    let message: String

    /// Messages come from upstreams as well; a client's log takes no more of them.
    private static let longestMessage = 512

    var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(64 + message.utf8.count)
        buffer.writeStaticString("{\"errors\":[{\"code\":\"")
        buffer.writeString(code.rawValue)
        buffer.writeStaticString("\",\"message\":\"")
        for scalar in message.unicodeScalars.prefix(Self.longestMessage) {
            switch scalar {
            case "\"": buffer.writeStaticString("\\\"")
            case "\\": buffer.writeStaticString("\\\\")
            case " "..."~": buffer.writeInteger(UInt8(scalar.value))
            default:
                for unit in String(scalar).utf16 {
                    let hex = String(unit, radix: 16)
                    buffer.writeString("\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex)
                }
            }
        }
        buffer.writeStaticString("\"}]}\n")
        return buffer
    }
}
