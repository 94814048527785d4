package import NIOCore

/// One piece of a container's output: at most 16 KiB, cut anywhere, so that a long line spans several.
package struct LogFrame: Sendable, Hashable {
    package enum Stream: UInt8, Sendable, Hashable { case stdin = 0, stdout = 1, stderr = 2 }

    package let stream: Stream
    package let bytes: ByteBuffer

    package init(stream: Stream, bytes: ByteBuffer) {
        self.stream = stream
        self.bytes = bytes
    }
}

/// Splits the multiplexed stream of attach and logs into frames.
///
/// Each frame has a header of 8 bytes: the stream, three zeros, and the payload's length in big-endian order
/// ([attach: stream format](https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach)).
package struct LogFrameDecoder: Sendable {
    /// What is not a frame: the engine, or what sits between, speaks something else.
    package struct Malformed: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// The engine sends at most 16 KiB a frame; anything near this is no frame.
    private static let largestPayload: UInt32 = 16 << 20

    private var pending = ByteBuffer()

    package init() {}

    /// True where the stream stopped in the middle of a frame.
    package var isInsideFrame: Bool { pending.readableBytes > 0 }

    /// Takes the next bytes of the stream.
    ///
    /// - Parameter chunk: Bytes as they came from the network.
    /// - Returns: The frames that are complete now.
    /// - Throws: ``Malformed`` where the bytes can't be frames; the decoder is of no use afterwards.
    package mutating func decode(_ chunk: ByteBuffer) throws(Malformed) -> [LogFrame] {
        if pending.readableBytes == 0 { pending = chunk } else { pending.writeImmutableBuffer(chunk) }
        var frames: [LogFrame] = []
        while let header = pending.getInteger(at: pending.readerIndex, as: UInt64.self) {
            let length = UInt32(truncatingIfNeeded: header)
            guard let stream = LogFrame.Stream(rawValue: UInt8(header >> 56)), header >> 32 & 0xFF_FFFF == 0,
                length <= Self.largestPayload
            else {
                throw Malformed(description: "the container's output is not in Docker's frame format")
            }
            guard pending.readableBytes >= 8 + Int(length) else { break }
            pending.moveReaderIndex(forwardBy: 8)
            guard let payload = pending.readSlice(length: Int(length)) else { break }
            if length > 0 { frames.append(LogFrame(stream: stream, bytes: payload)) }
        }
        if pending.readableBytes == 0 { pending = ByteBuffer() }
        return frames
    }
}
