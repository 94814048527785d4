import NIOCore
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Ranges and entity tags")
struct ConditionTests {
    @Test(
        "one range of bytes is cut to the blob; what is no such range is ignored; one beyond the end can't be had",
        arguments: [
            (nil, ByteSelection.whole), ("bytes=0-9", .part(0..<10)), ("bytes=0-0", .part(0..<1)),
            ("bytes=5-", .part(5..<100)), ("bytes=99-", .part(99..<100)), ("bytes=90-200", .part(90..<100)),
            ("bytes=-1", .part(99..<100)), ("bytes=-500", .part(0..<100)), ("Bytes=1-2", .part(1..<3)),
            ("bytes= 1-2 ", .part(1..<3)), ("bytes=0-99999999999999999999999", .part(0..<100)),
            ("bytes=100-", .unsatisfiable), ("bytes=100-200", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=99999999999999999999999-", .unsatisfiable),
            ("bytes=0-1,3-4", .whole), ("bytes=0-1, bytes=3-4", .whole), ("bytes=9-1", .whole), ("bytes=", .whole),
            ("bytes=-", .whole), ("bytes=a-b", .whole), ("bytes=+1-2", .whole), ("items=0-9", .whole), ("", .whole),
            ("bytes=1--2", .whole), ("bytes", .whole), (String(repeating: "bytes=0-1", count: 20), .whole),
        ] as [(String?, ByteSelection)]
    )
    func ranges(range: String?, selection: ByteSelection) {
        #expect(ByteSelection(range: range, ifRange: nil, entityTag: "\"a\"", size: 100) == selection)
    }

    @Test("of a blob of no bytes there is no range")
    func emptyBlob() {
        for range in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            #expect(ByteSelection(range: range, ifRange: nil, entityTag: "\"a\"", size: 0) == .unsatisfiable)
        }
    }

    @Test(
        "If-Range lets a range hold only with this very blob's strong tag",
        arguments: [
            ("\"a\"", ByteSelection.part(1..<3)), ("\"b\"", .whole), ("W/\"a\"", .whole),
            ("Sun, 06 Nov 1994 08:49:37 GMT", .whole), ("", .whole),
        ]
    )
    func ifRange(value: String, selection: ByteSelection) {
        #expect(ByteSelection(range: "bytes=1-2", ifRange: value, entityTag: "\"a\"", size: 100) == selection)
    }

    @Test("20,000 damaged ranges do no harm: a part is never empty, and within the blob")
    func damaged() async throws {
        let bytes = Array("bytes=-0123456789, aE\u{0}".utf8)
        try await Fuzzing.run(rounds: 20_000) { random in
            var text = Array("bytes=10-20".utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                text.insert(
                    bytes.randomElement(using: &random) ?? 0,
                    at: Int.random(in: 0...text.count, using: &random)
                )
            }
            let size = Int64.random(in: 0...100, using: &random)
            let selection = ByteSelection(
                range: String(decoding: text, as: UTF8.self),
                ifRange: nil,
                entityTag: "\"a\"",
                size: size
            )
            if case .part(let range) = selection {
                try #require(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= size)
            }
        }
    }

    @Test(
        "If-None-Match names tags in a list, weakly compared, or all",
        arguments: [
            ("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\",W/\"a\" ", true),
            ("\"b\"", false), ("a", false), ("", false), ("\"aa\"", false),
        ]
    )
    func ifNoneMatch(value: String, matches: Bool) {
        #expect(EntityTags.match(value, "\"a\"") == matches)
    }

    @Test("an error's document is JSON whatever its message holds, and of bounded length")
    func errorDocuments() {
        let document = ErrorDocument(code: .blobUnknown, message: "a \"b\" \\ \u{1b}[2J\n ü 😀")
        #expect(
            String(buffer: document.bytes)
                == #"{"errors":[{"code":"BLOB_UNKNOWN","message":"a \"b\" \\ \u001b[2J\u000a \u00fc \ud83d\ude00"}]}"#
                + "\n"
        )
        let long = ErrorDocument(code: .unknown, message: String(repeating: "x", count: 100_000))
        #expect(long.bytes.readableBytes < 1000)
    }
}
