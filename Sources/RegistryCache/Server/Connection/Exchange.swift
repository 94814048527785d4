import NIOCore
import NIOHTTP1

/// One request and how far its answer is.
struct Exchange {
    /// What was asked, judged when its head was there.
    let judged: JudgedRequest
    let isHead: Bool
    let version: HTTPVersion
    let keepsAlive: Bool
    let start: NIODeadline
    private(set) var entry: AccessEntry

    init(_ head: HTTPRequestHead, _ judged: JudgedRequest, clientPort: Int) {
        self.judged = judged
        isHead = head.method == .HEAD
        version = head.version
        keepsAlive = head.isKeepAlive
        start = .now()
        let method: AccessEntry.Method =
            switch head.method {
            case .GET: .get
            case .HEAD: .head
            default: .other
            }
        entry = Self.entry(method, clientPort: clientPort)
        guard case .call(let call) = judged else { return }
        entry.repository = call.repository
        entry.name = call.name
    }

    /// What is no request.
    init(refusing status: HTTPResponseStatus, _ message: String, clientPort: Int) {
        judged = .answer(Answer(status, .unsupported, message, closes: true))
        isHead = false
        version = .http1_1
        keepsAlive = false
        start = .now()
        entry = Self.entry(.other, clientPort: clientPort)
    }

    var isLast: Bool {
        if case .answer(let answer) = judged, answer.closes { return true }
        return !keepsAlive
    }

    mutating func note(_ answer: Answer) {
        entry.status = Int(answer.status.code)
        entry.result = answer.result
    }

    mutating func sent(_ bytes: Int) { entry.bytes += Int64(bytes) }

    /// The line for the log.
    func ended(_ outcome: AccessEntry.Outcome) -> AccessEntry {
        var entry = entry
        entry.outcome = outcome
        entry.microseconds = (NIODeadline.now() - start).nanoseconds / 1000
        return entry
    }

    private static func entry(_ method: AccessEntry.Method, clientPort: Int) -> AccessEntry {
        AccessEntry(
            time: WallClock.milliseconds(),
            clientPort: clientPort,
            method: method,
            repository: nil,
            name: nil,
            status: 0,
            bytes: 0,
            microseconds: 0,
            result: nil,
            outcome: .complete
        )
    }
}
