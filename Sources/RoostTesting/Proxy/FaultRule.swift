package import NIOHTTP1

/// What a ``FaultProxy`` does to a request.
package enum Fault: Sendable {
    /// Waits before it forwards the request.
    case delay(Duration)
    /// Sends the body at this rate.
    case throttle(bytesPerSecond: Int)
    /// Closes the connection once this many body bytes have been sent; with 0, right after the head.
    case cut(afterBodyBytes: Int)
    /// Inverts the lowest bit of the body's byte at this offset.
    case flipBit(atByte: Int)
    /// Answers without asking the upstream.
    case answer(HTTPResponseStatus, headers: HTTPHeaders = [:], body: String = "")
    /// Closes the connection without an answer.
    case disconnect
    /// Never answers.
    case hang
}

/// Which requests a fault is for.
package struct FaultRule: Sendable {
    /// Which of the requests that match, counted from 1 since the rule was set.
    package enum Occurrence: Hashable, Sendable {
        case every
        case nth(Int)
        case first(Int)
        case after(Int)

        func includes(_ count: Int) -> Bool {
            switch self {
            case .every: true
            case .nth(let n): count == n
            case .first(let n): count <= n
            case .after(let n): count > n
            }
        }
    }

    /// A condition on a request's path.
    package struct Path: Sendable {
        let matches: @Sendable (String) -> Bool

        package static let any = Path { _ in true }
        package static func exactly(_ path: String) -> Path { Path { $0 == path } }
        package static func suffix(_ suffix: String) -> Path { Path { $0.hasSuffix(suffix) } }
        package static func contains(_ part: String) -> Path { Path { $0.contains(part) } }
        package static func matching(_ predicate: @escaping @Sendable (String) -> Bool) -> Path {
            Path(matches: predicate)
        }
        /// Any blob: `/v2/<name>/blobs/<digest>`.
        package static let blobs = Path { $0.contains("/blobs/sha256:") }
        /// Any manifest, by tag or digest.
        package static let manifests = Path { $0.contains("/manifests/") }
    }

    let method: HTTPMethod?
    let path: Path
    let occurrence: Occurrence
    let fault: Fault
}

/// The rules in force. A value: a request in, what to do with it out.
struct FaultTable: Sendable {
    /// All that is to be done to one request.
    struct Plan: Sendable {
        var delay: Duration = .zero
        var bytesPerSecond: Int?
        var cutAfter: Int?
        var flippedBytes: [Int] = []
        var interruption: Interruption?

        /// What keeps the request from the upstream.
        enum Interruption: Sendable {
            case answer(HTTPResponseStatus, HTTPHeaders, String)
            case disconnect
            case hang
        }
    }

    private struct Row {
        let id: Int
        let rule: FaultRule
        var matches = 0
    }

    private var rows: [Row] = []
    private var nextID = 1
    /// Applied to every request.
    var latency: Duration = .zero
    /// The rate of every connection's bodies.
    var bandwidth: Int?

    mutating func add(_ rule: FaultRule) -> Int {
        defer { nextID += 1 }
        rows.append(Row(id: nextID, rule: rule))
        return nextID
    }

    mutating func remove(_ id: Int) { rows.removeAll { $0.id == id } }

    mutating func removeAll() { rows = [] }

    /// Counts the request against every rule that it matches and merges their faults.
    ///
    /// Delays add up, the slowest rate and the earliest cut win, and the first rule that interrupts decides how.
    mutating func plan(method: HTTPMethod, path: String) -> Plan {
        var plan = Plan(delay: latency, bytesPerSecond: bandwidth)
        for index in rows.indices {
            let rule = rows[index].rule
            guard rule.method == nil || rule.method == method, rule.path.matches(path) else { continue }
            rows[index].matches += 1
            guard rule.occurrence.includes(rows[index].matches) else { continue }
            switch rule.fault {
            case .delay(let duration): plan.delay += duration
            case .throttle(let rate): plan.bytesPerSecond = min(plan.bytesPerSecond ?? rate, rate)
            case .cut(let count): plan.cutAfter = min(plan.cutAfter ?? count, count)
            case .flipBit(let offset): plan.flippedBytes.append(offset)
            case .answer(let status, let headers, let body):
                plan.interruption = plan.interruption ?? .answer(status, headers, body)
            case .disconnect: plan.interruption = plan.interruption ?? .disconnect
            case .hang: plan.interruption = plan.interruption ?? .hang
            }
        }
        return plan
    }
}
