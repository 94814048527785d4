import NIOCore
import NIOHTTP1
import RoostCore

/// Answers one call, cut short where a fault says so.
final class FakeAnswer: Sendable {
    /// The answer has ended before its time; the handler has nothing more to do.
    struct EndedByFault: Error {}

    let number: Int
    private let responder: HTTPTestResponder
    private let fault: FakeEngine.Fault?
    private let log: CallLog
    private let bytesLeft: Observed<Int>

    init(_ responder: HTTPTestResponder, number: Int, fault: FakeEngine.Fault?, log: CallLog) {
        self.responder = responder
        self.number = number
        self.fault = fault
        self.log = log
        let limit: Int =
            switch fault {
            case .cutBody(let limit), .endBody(let limit): limit
            default: .max
            }
        bytesLeft = Observed(limit)
    }

    private var limitsBody: Bool {
        switch fault {
        case .cutBody, .endBody: true
        default: false
        }
    }

    /// Answers a whole document.
    func json(_ status: HTTPResponseStatus = .ok, _ value: JSONValue) async throws {
        try await respond(status, headers: ["Content-Type": "application/json"], value.bytes)
    }

    /// Answers a status without a body.
    func empty(_ status: HTTPResponseStatus = .noContent) async throws {
        try await respond(status, headers: [:], ByteBuffer())
    }

    /// Answers an error in the engine's form.
    func failure(_ status: HTTPResponseStatus, _ message: String) async throws {
        try await json(status, ["message": .string(message)])
    }

    private func respond(_ status: HTTPResponseStatus, headers: HTTPHeaders, _ body: ByteBuffer) async throws {
        if limitsBody, body.readableBytes > 0 {
            try await start(status, headers: headers)
            try await write(body)
            return try await finish()
        }
        try await loseAnswerIfAsked()
        log.setStatus(status, of: number)
        try await responder.respond(status, headers: commonHeaders.merging(headers), body: body)
    }

    /// Begins an answer whose body follows piece by piece.
    func start(_ status: HTTPResponseStatus = .ok, headers: HTTPHeaders) async throws {
        try await loseAnswerIfAsked()
        log.setStatus(status, of: number)
        try await responder.start(status, headers: commonHeaders.merging(headers))
        if bytesLeft.value == 0 { try await endByFault() }
    }

    /// Sends body bytes.
    func write(_ bytes: ByteBuffer) async throws {
        let length = bytes.readableBytes
        let allowed = bytesLeft.change { left in
            let allowed = min(left, length)
            left -= allowed
            return allowed
        }
        if let slice = bytes.getSlice(at: bytes.readerIndex, length: allowed) { try await responder.write(slice) }
        if bytesLeft.value == 0, limitsBody { try await endByFault() }
    }

    /// Sends one line of a stream of documents.
    func writeLine(_ value: JSONValue) async throws {
        var line = try value.bytes
        line.writeString("\r\n")
        try await write(line)
    }

    func finish() async throws {
        if case .cutBody = fault { return try await endByFault() }
        try await responder.finish()
    }

    /// Turns the connection into raw bytes both ways.
    func hijack() async throws -> HTTPTestUpgradedConnection {
        try await loseAnswerIfAsked()
        log.setStatus(.switchingProtocols, of: number)
        return try await responder.hijack(headers: ["Content-Type": "application/vnd.docker.raw-stream"])
    }

    private func loseAnswerIfAsked() async throws {
        guard case .loseAnswer = fault else { return }
        try await responder.abort()
        throw EndedByFault()
    }

    private func endByFault() async throws {
        if case .cutBody = fault { try await responder.abort() } else { try await responder.finish() }
        throw EndedByFault()
    }

    private var commonHeaders: HTTPHeaders { ["Server": "Docker/fake (linux)", "Ostype": "linux"] }
}

extension HTTPHeaders {
    fileprivate func merging(_ other: HTTPHeaders) -> HTTPHeaders {
        var merged = self
        for (name, value) in other { merged.replaceOrAdd(name: name, value: value) }
        return merged
    }
}
