import NIOCore
import RoostTesting
import Testing

@testable import DockerEngine

@Suite("Splitting a container's output into frames")
struct LogFrameDecoderTests {
    private func encode(_ frames: [(LogFrame.Stream, [UInt8])]) -> ByteBuffer {
        var buffer = ByteBuffer()
        for (stream, bytes) in frames {
            buffer.writeBytes([stream.rawValue, 0, 0, 0])
            buffer.writeInteger(UInt32(bytes.count))
            buffer.writeBytes(bytes)
        }
        return buffer
    }

    private func decode(_ chunks: [ByteBuffer]) throws -> (frames: [LogFrame], isInsideFrame: Bool) {
        var decoder = LogFrameDecoder()
        var frames: [LogFrame] = []
        for chunk in chunks { frames += try decoder.decode(chunk) }
        return (frames, decoder.isInsideFrame)
    }

    private static let sample: [(LogFrame.Stream, [UInt8])] = [
        (.stdout, Array("one\n".utf8)), (.stderr, [0, 1, 2, 0xFF]), (.stdout, []), (.stdin, [7]),
        (.stdout, Array("zwölf".utf8)),
    ]
    /// An empty frame says nothing.
    private var expected: [LogFrame] {
        Self.sample.filter { !$0.1.isEmpty }.map { LogFrame(stream: $0.0, bytes: ByteBuffer(bytes: $0.1)) }
    }

    @Test("the frames are the same, wherever the bytes are cut in two")
    func everySplit() throws {
        let bytes = encode(Self.sample)
        for cut in 0...bytes.readableBytes {
            let first = try #require(bytes.getSlice(at: 0, length: cut))
            let second = try #require(bytes.getSlice(at: cut, length: bytes.readableBytes - cut))
            let decoded = try decode([first, second])
            #expect(decoded.frames == expected, "cut at \(cut)")
            #expect(!decoded.isInsideFrame)
        }
    }

    @Test("the frames are the same when every byte comes alone")
    func byteByByte() throws {
        let decoded = try decode(encode(Self.sample).readableBytesView.map { ByteBuffer(bytes: [$0]) })
        #expect(decoded.frames == expected)
    }

    @Test("an end within a header or a payload is noticed")
    func truncated() throws {
        let bytes = encode([(.stdout, [1, 2, 3])])
        for length in 1..<bytes.readableBytes {
            let decoded = try decode([try #require(bytes.getSlice(at: 0, length: length))])
            #expect(decoded.frames.isEmpty)
            #expect(decoded.isInsideFrame, "after \(length) bytes")
        }
    }

    @Test("frames of 16 KiB come whole")
    func largeFrames() throws {
        let payload = [UInt8](repeating: 0x61, count: 16_384)
        var bytes = encode([(.stdout, payload), (.stderr, payload), (.stdout, payload)])
        var chunks: [ByteBuffer] = []
        while let chunk = bytes.readSlice(length: min(1500, bytes.readableBytes)), chunk.readableBytes > 0 {
            chunks.append(chunk)
        }
        let frames = try decode(chunks).frames
        #expect(frames.map(\.stream) == [.stdout, .stderr, .stdout])
        #expect(frames.allSatisfy { $0.bytes.readableBytes == 16_384 })
    }

    @Test(
        "what is not in the format is refused",
        arguments: [
            Array("HTTP/1.1 500".utf8), Array("plain text of a terminal".utf8), [3, 0, 0, 0, 0, 0, 0, 1],
            [1, 1, 0, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 0, 0, 1], [1, 0, 0, 1, 0, 0, 0, 1],
            [1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], [2, 0, 0, 0, 0x01, 0, 0, 1],
        ] as [[UInt8]]
    )
    func garbage(bytes: [UInt8]) {
        #expect(throws: LogFrameDecoder.Malformed.self) { try decode([ByteBuffer(bytes: bytes)]) }
    }

    @Test("random frames in random pieces come out as they went in")
    func soakRandomPieces() async throws {
        try await Fuzzing.run(rounds: 200) { random in
            let frames: [(LogFrame.Stream, [UInt8])] = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                let stream = [LogFrame.Stream.stdin, .stdout, .stderr].randomElement(using: &random) ?? .stdout
                return (stream, random.bytes(Int.random(in: 1...300, using: &random)))
            }
            var bytes = encode(frames)
            var chunks: [ByteBuffer] = []
            while bytes.readableBytes > 0 {
                let length = Int.random(in: 1...bytes.readableBytes, using: &random)
                if let chunk = bytes.readSlice(length: length) { chunks.append(chunk) }
            }
            let decoded = try decode(chunks)
            try #require(decoded.frames.map(\.stream) == frames.map(\.0))
            try #require(decoded.frames.map { Array($0.bytes.readableBytesView) } == frames.map(\.1))
        }
    }

    @Test("random bytes are frames or refused, and never lost")
    func soakRandomBytes() async throws {
        try await Fuzzing.run(rounds: 500) { random in
            let bytes = random.bytes(Int.random(in: 0...200, using: &random))
            guard let decoded = try? decode([ByteBuffer(bytes: bytes)]) else { return }
            let counted = decoded.frames.reduce(0) { $0 + 8 + $1.bytes.readableBytes }
            try #require(counted <= bytes.count)
            try #require(decoded.isInsideFrame || counted % 8 == bytes.count % 8 || counted == bytes.count)
        }
    }
}
