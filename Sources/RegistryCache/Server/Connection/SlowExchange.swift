import NIOCore
import RoostCore

/// A body whose bytes are not there yet.
enum SlowBody: Sendable {
    case growing(any GrowingBlob, Range<Int64>)
    /// In chunks where there is no range.
    case passing(UpstreamBody, Range<Int64>?)
}

/// The part of an exchange that has to wait for something other than its client.
struct SlowExchange: Sendable {
    enum Work: Sendable {
        case question(CacheRequest)
        case rest(SlowBody)
    }

    let work: Work
    let content: any CacheContent
    let connection: NIOLoopBound<ConnectionHandler>
    /// Opens when the client is gone.
    let gone: Latch

    private enum Stop: Error {
        case clientLeft
        /// The bytes that were announced do not come.
        case cutShort
    }

    /// Returns when the answer is sent, or can't be.
    func run() async {
        var body: SlowBody?
        switch work {
        case .rest(let rest): body = rest
        case .question(let question):
            // A client that leaves is not answered; what is fetched for it goes on by itself.
            guard let answer = try? await gone.cancelling({ [content] in await content.answer(question) }) else {
                return
            }
            body = await onLoop { $0.answered(answer) } ?? nil
        }
        guard let body else { return }
        let isWhole =
            (try? await gone.cancelling {
                try await send(body)
                return true
            }) ?? false
        _ = await onLoop { $0.ended(isWhole) }
    }

    private func send(_ body: SlowBody) async throws {
        switch body {
        case .growing(let blob, let range): try await send(blob, range)
        case .passing(let upstream, let range):
            if let range { try await send(upstream, range) } else { try await sendChunks(upstream) }
        }
    }

    /// As far as the file has grown, and never beyond.
    private func send(_ blob: any GrowingBlob, _ range: Range<Int64>) async throws {
        let window = FileWindow(blob)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let available = min(try await blob.available(beyond: offset), range.upperBound)
            while offset < available {
                let piece = window.piece(of: offset..<available)
                try await write(.fileRegion(piece))
                offset += Int64(piece.readableBytes)
            }
        }
    }

    /// The part of a body that is asked for. The last bytes only come where the digest is right, and then all that was announced has come.
    private func send(_ upstream: UpstreamBody, _ range: Range<Int64>) async throws {
        guard upstream.start <= range.lowerBound else { throw Stop.cutShort }
        var offset = upstream.start
        for try await var chunk in upstream.chunks {
            let end = offset + Int64(chunk.readableBytes)
            defer { offset = end }
            guard end > range.lowerBound, offset < range.upperBound else { continue }
            chunk.moveReaderIndex(forwardBy: Int(max(0, range.lowerBound - offset)))
            let wanted = Int(min(end, range.upperBound) - max(offset, range.lowerBound))
            guard let part = chunk.readSlice(length: wanted) else { throw Stop.cutShort }
            try await write(.byteBuffer(part))
            if end >= range.upperBound { return }
        }
        guard range.isEmpty else { throw Stop.cutShort }
    }

    /// All of a body whose size nobody knows; only its last chunk says that it was all.
    private func sendChunks(_ upstream: UpstreamBody) async throws {
        for try await chunk in upstream.chunks where chunk.readableBytes > 0 {
            try await write(.byteBuffer(framed(chunk)))
        }
        try await write(.byteBuffer(ByteBuffer(string: "0\r\n\r\n")))
    }

    private func framed(_ chunk: ByteBuffer) -> ByteBuffer {
        var framed = ByteBuffer(string: String(chunk.readableBytes, radix: 16) + "\r\n")
        framed.writeImmutableBuffer(chunk)
        framed.writeStaticString("\r\n")
        return framed
    }

    /// Returns when the system has taken the piece, so that a slow client has one piece in memory, and none of a file.
    private func write(_ piece: IOData) async throws {
        guard let sent = await onLoop({ $0.write(piece) }) ?? nil else { throw Stop.clientLeft }
        try await sent.get()
    }

    private func onLoop<Result: Sendable>(_ act: @escaping @Sendable (ConnectionHandler) -> Result) async -> Result? {
        try? await connection.eventLoop.submit { [connection] in act(connection.value) }.get()
    }
}
