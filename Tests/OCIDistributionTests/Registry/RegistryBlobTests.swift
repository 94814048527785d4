import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostTesting
import Testing

@Suite("Blobs of a registry")
struct RegistryBlobTests {
    typealias Answer = RegistryScript.Answer

    static let digest = Digest.sha256(of: "0123456789".utf8)

    private func open(
        _ range: Range<Int64>? = nil,
        answer: @escaping @Sendable (RegistryScript.Asked) -> Answer
    ) async throws -> (blob: OpenedBlob?, text: String, error: RegistryError?) {
        var outcome: (OpenedBlob?, String, RegistryError?) = (nil, "", nil)
        try await RegistryScript.with { asked, _ in
            answer(asked)
        } body: { registry in
            do throws(RegistryError) {
                let reference = try? registry.reference("org/x@\(Self.digest)")
                guard let reference else { return }
                let blob = try await registry.client.openBlob(
                    Self.digest,
                    in: reference,
                    at: registry.endpoint,
                    range: range
                )
                outcome.0 = blob
                outcome.1 = await Self.text(blob)
            } catch {
                outcome.2 = error
            }
        }
        return outcome
    }

    private static func text(_ blob: OpenedBlob) async -> String {
        var text = ""
        while let chunk = try? await blob.body.next() { text += String(buffer: chunk) }
        return text
    }

    private func size(_ answer: @escaping @Sendable (RegistryScript.Asked) -> Answer) async throws -> (Int64?, [String])
    {
        var outcome: (Int64?, [String]) = (nil, [])
        try await RegistryScript.with { asked, _ in
            answer(asked)
        } body: { registry in
            let reference = try registry.reference("org/x@\(Self.digest)")
            outcome.0 = try? await registry.client.sizeOfBlob(Self.digest, in: reference, at: registry.endpoint).bytes
            outcome.1 = registry.script.lines
        }
        return outcome
    }

    @Test("the whole of a blob comes with its size")
    func whole() async throws {
        let (blob, text, _) = try await open { asked in
            asked.path == "/v2/org/x/blobs/\(Self.digest)" ? .status(200, body: "0123456789") : .status(404)
        }
        #expect(text == "0123456789")
        #expect(blob?.start == 0 && blob?.end == 10 && blob?.totalSize == 10)
    }

    @Test("a part comes with its place; a shorter part than was asked for is one too")
    func part() async throws {
        let (blob, text, _) = try await open(2..<8) { _ in
            .status(206, ["Content-Range": "bytes 2-5/10"], body: "2345")
        }
        #expect(text == "2345")
        #expect(blob?.start == 2 && blob?.end == 6 && blob?.totalSize == 10)
    }

    @Test(
        "another part than the one that was asked for is an error",
        arguments: [
            ("", "234567"), ("bytes 0-5/10", "012345"), ("bytes 3-7/10", "34567"), ("bytes 2-8/10", "2345678"),
            ("bytes 2-4/10", "234567"), ("bytes */10", "234567"),
        ]
    )
    func wrongPart(row: (header: String, body: String)) async throws {
        let (_, _, error) = try await open(2..<8) { _ in
            .status(206, row.header.isEmpty ? [:] : ["Content-Range": row.header], body: row.body)
        }
        guard case .invalidResponse = error?.failure else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("a part that nobody asked for is an error, as is a packed blob")
    func unasked() async throws {
        let (_, _, part) = try await open { _ in .status(206, ["Content-Range": "bytes 0-3/10"], body: "0123") }
        let (_, _, packed) = try await open { _ in .status(200, ["Content-Encoding": "gzip"], body: "x") }
        #expect(part != nil && packed != nil)
    }

    @Test("nothing of a blob is not asked for", arguments: [0..<0, -5 ..< -1] as [Range<Int64>])
    func noRange(range: Range<Int64>) async throws {
        let (_, _, error) = try await open(range) { _ in .status(200) }
        guard case .invalidResponse = error?.failure else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("the size of a blob costs one HEAD")
    func head() async throws {
        let (size, lines) = try await size { _ in .status(200, body: "0123456789") }
        #expect(size == 10)
        #expect(lines == ["HEAD /v2/org/x/blobs/\(Self.digest)"])
    }

    @Test("where there is no HEAD for blobs, the size is read off the first byte", arguments: [400, 405, 501])
    func noHead(status: Int) async throws {
        let (size, lines) = try await size { asked in
            asked.method == "HEAD" ? .status(status) : .status(206, ["Content-Range": "bytes 0-0/10"], body: "0")
        }
        #expect(size == 10)
        #expect(lines.count == 2)
    }

    @Test("a size that nobody tells is an error")
    func noSize() async throws {
        let (size, _) = try await size { asked in
            asked.method == "HEAD" ? .status(405) : .status(206, ["Content-Range": "bytes 0-0/*"], body: "0")
        }
        #expect(size == nil)
    }
}
