import DequeModule

/// The life of one connection: which request is next, when nothing more is read, and what is waited for.
///
/// Requests are served one after another in the order in which they came (RFC 9112, section 9.3.2).
struct ConnectionMachine<Request> {
    /// What the connection waits for, each with a time of its own.
    enum Waiting: Hashable {
        /// Nothing of the client's.
        case nothing
        /// The rest of a request's head, or the first one's.
        case head
        /// Another request.
        case request
        /// That the client closes, too: what it still sends is read and dropped, so that the last answer reaches it.
        case end
    }

    private enum Phase: Hashable {
        case open
        /// Nothing more is served, and nothing more is sent.
        case ending
    }

    /// More requests than this are not read before those are answered.
    static var mostWaiting: Int { 16 }

    private var requests: Deque<Request> = []
    private var phase = Phase.open
    private var isServing = false
    private var isDraining = false
    private var sawLast = false
    private var hasSeenHead = false
    private var hasPartOfHead = false
    private var headsInThisRead = 0

    /// Whether the answer to be sent now is the connection's last one.
    var isLast: Bool { isDraining }

    /// Whether nothing is being served, and no request waits.
    var isIdle: Bool { !isServing && requests.isEmpty }

    /// Whether more may be read.
    var mayRead: Bool { requests.count < Self.mostWaiting }

    var waiting: Waiting {
        if phase == .ending { return .end }
        if isServing || !requests.isEmpty { return .nothing }
        return hasPartOfHead || !hasSeenHead ? .head : .request
    }

    /// A request's head is there.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - isLast: Nothing that comes after it can be read as requests.
    mutating func arrived(_ request: Request, isLast: Bool) {
        hasSeenHead = true
        hasPartOfHead = false
        headsInThisRead += 1
        guard phase == .open, !sawLast else { return }
        sawLast = isLast
        requests.append(request)
    }

    /// What could be read at once has been read.
    mutating func readCompleted() {
        if headsInThisRead == 0, isIdle { hasPartOfHead = true }
        headsInThisRead = 0
    }

    /// The request to be served now; ``served(keepsAlive:)`` has to follow.
    mutating func next() -> Request? {
        guard phase == .open, !isServing, let request = requests.popFirst() else { return nil }
        isServing = true
        return request
    }

    /// An answer is on its way in full.
    ///
    /// - Returns: Whether the connection is to be ended now.
    mutating func served(keepsAlive: Bool) -> Bool {
        isServing = false
        guard !keepsAlive || isDraining else { return false }
        return end()
    }

    /// The server is about to stop, or the place is needed for somebody else.
    ///
    /// - Returns: Whether the connection is to be ended now; otherwise the answer that is being sent is the last.
    mutating func drain() -> Bool {
        isDraining = true
        return isIdle && end()
    }

    private mutating func end() -> Bool {
        guard phase == .open else { return false }
        phase = .ending
        requests = []
        return true
    }
}
