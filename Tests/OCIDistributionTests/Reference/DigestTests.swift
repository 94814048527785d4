import Foundation
import OCIDistribution
import RoostTesting
import Testing

@Suite("Digests")
struct DigestTests {
    static let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    @Test("a digest is read and printed unchanged")
    func roundTrip() throws {
        let digest = try Digest(parsing: Self.empty)
        #expect(digest.algorithm == .sha256)
        #expect(digest.hex.count == 64)
        #expect(digest.description == Self.empty)
        let long = "sha512:" + String(repeating: "0f", count: 64)
        #expect(try Digest(parsing: long).description == long)
    }

    @Test("hashing gives the published digests")
    func hashing() throws {
        #expect(Digest.sha256(of: [UInt8]()).description == Self.empty)
        #expect(
            Digest.sha256(of: Data("abc".utf8)).hex
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(Digest(of: "abc".utf8, by: .sha512).hex.hasPrefix("ddaf35a193617abacc417349ae204131"))
        #expect(Digest.sha256(of: "abc".utf8).matches(Array("abc".utf8)))
        #expect(!Digest.sha256(of: "abc".utf8).matches(Array("abd".utf8)))
        let lazy = (0..<3).lazy.map { UInt8(97 + $0) }
        #expect(Digest.sha256(of: lazy) == Digest.sha256(of: "abc".utf8))
    }

    @Test(
        "what is no digest is refused",
        arguments: [
            "", ":", "sha256:", "sha256", "e3b0", empty.uppercased(), "SHA256:" + empty.dropFirst(7),
            String(empty.dropLast()), empty + "0", " " + empty, empty + "\n", empty + "\0", "sha256:../../etc/passwd",
            "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha512:" + empty.dropFirst(7),
            "sha256:" + String(repeating: "A", count: 64), "sha256:" + String(repeating: "٣", count: 64),
            "sha256::" + empty.dropFirst(8), String(repeating: "a", count: 1 << 20),
        ]
    )
    func refused(text: String) {
        let error = #expect(throws: DigestError.self) { try Digest(parsing: text) }
        let message = error?.description ?? ""
        #expect(message.utf8.count < 1000)
        #expect(!message.contains("\n") && !message.contains("\0"))
    }

    @Test("JSON holds a digest as its text, and a wrong one is an error")
    func json() throws {
        let digest = try Digest(parsing: Self.empty)
        let encoded = try JSONEncoder().encode([digest])
        #expect(try JSONDecoder().decode([Digest].self, from: encoded) == [digest])
        #expect(throws: (any Error).self) { try JSONDecoder().decode([Digest].self, from: Data(#"["sha256:x"]"#.utf8)) }
    }

    @Test("20,000 damaged digests do no harm, and what is accepted is unchanged")
    func soakFuzz() async throws {
        try await Fuzzing.run(rounds: 20_000) { generator in
            let text = Mutation.mutateText(Self.empty, with: &generator)
            guard let digest = try? Digest(parsing: text) else { return }
            try Mutation.require(digest.description == text, "\(text) became \(digest)")
        }
    }
}
