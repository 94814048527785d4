import NIOCore

/// Bends one answer's body as its plan says, chunk by chunk. A value without I/O: bytes in, bytes and times out.
struct FaultyBody {
    /// One piece to send.
    struct Piece {
        let bytes: ByteBuffer
        /// When to send it, counted from the start of the body.
        let due: Duration
    }

    private let plan: FaultTable.Plan
    private var offset = 0

    init(plan: FaultTable.Plan) {
        self.plan = plan
    }

    /// Whether the connection is to be closed now.
    var isCut: Bool { plan.cutAfter.map { offset >= $0 } ?? false }

    /// The pieces to send for `chunk`; fewer bytes than it holds where the cut lies in it.
    mutating func pieces(of chunk: ByteBuffer) -> [Piece] {
        var chunk = chunk
        var pieces: [Piece] = []
        while chunk.readableBytes > 0, !isCut {
            let untilCut = plan.cutAfter.map { $0 - offset } ?? .max
            let length = min(chunk.readableBytes, pieceSize, untilCut)
            guard var piece = chunk.readSlice(length: length) else { break }
            for position in plan.flippedBytes where position >= offset && position < offset + length {
                flip(&piece, at: piece.readerIndex + position - offset)
            }
            offset += length
            pieces.append(Piece(bytes: piece, due: due))
        }
        return pieces
    }

    /// A fiftieth of a second's bytes, so that a slow body trickles rather than jumps.
    private var pieceSize: Int { plan.bytesPerSecond.map { min(max($0 / 50, 1), 64 * 1024) } ?? .max }

    private var due: Duration {
        guard let rate = plan.bytesPerSecond else { return .zero }
        return .seconds(Double(offset) / Double(rate))
    }

    private func flip(_ piece: inout ByteBuffer, at index: Int) {
        guard let byte = piece.getInteger(at: index, as: UInt8.self) else { return }
        piece.setInteger(byte ^ 1, at: index)
    }
}
