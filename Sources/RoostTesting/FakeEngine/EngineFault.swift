package import NIOHTTP1
package import RoostCore
import Synchronization

extension FakeEngine {
    /// How a call fails.
    package enum Fault: Sendable {
        /// Answers this status; nothing is done.
        case status(Int, message: String)
        /// Closes the connection before an answer; nothing is done.
        case dropConnection
        /// Does what was asked, and then closes the connection instead of answering.
        case loseAnswer
        /// Answers at most so many bytes of the body, and then cuts the connection.
        case cutBody(after: Int)
        /// Answers at most so many bytes of the body, and then ends it as if it were complete: what `/wait` of an
        /// engine that dies does with no bytes at all.
        case endBody(after: Int)
        /// Never answers; ends when the client goes.
        case noAnswer
        /// Does nothing until the test opens the latch, then answers as always.
        case hold(Latch)
    }

    /// Which calls: all of a method, and of a path.
    package struct CallPattern: Sendable {
        let method: HTTPMethod?
        let components: [String]?

        /// - Parameters:
        ///   - method: `nil` for any.
        ///   - path: Without the API version, `*` for any one component: `/containers/*/wait`; `nil` for any path.
        package init(_ method: HTTPMethod? = nil, _ path: String? = nil) {
            self.method = method
            components = path.map { $0.split(separator: "/").map(String.init) }
        }

        package static let any = CallPattern()

        func matches(_ method: HTTPMethod, _ path: [String]) -> Bool {
            guard self.method == nil || self.method == method else { return false }
            guard let components else { return true }
            return components.count == path.count && zip(components, path).allSatisfy { $0 == "*" || $0 == $1 }
        }
    }
}

/// The faults that a test has asked for.
final class FaultBook: Sendable {
    private struct Entry {
        let pattern: FakeEngine.CallPattern
        let fault: FakeEngine.Fault
        /// How many calls still go through before the first that fails.
        var skipping: Int
        /// How many calls fail.
        var remaining: Int
    }

    private let entries = Mutex<[Entry]>([])

    func add(_ fault: FakeEngine.Fault, _ pattern: FakeEngine.CallPattern, nth: Int, times: Int) {
        entries.withLock {
            $0.append(Entry(pattern: pattern, fault: fault, skipping: max(0, nth - 1), remaining: times))
        }
    }

    func removeAll() {
        entries.withLock { $0 = [] }
    }

    /// The fault of this call, the earliest asked for where several match. Every entry that matches counts the call.
    func take(_ method: HTTPMethod, _ path: [String]) -> FakeEngine.Fault? {
        entries.withLock { entries in
            var taken: FakeEngine.Fault?
            for index in entries.indices where entries[index].pattern.matches(method, path) {
                if entries[index].skipping > 0 {
                    entries[index].skipping -= 1
                } else if taken == nil, entries[index].remaining > 0 {
                    entries[index].remaining -= 1
                    taken = entries[index].fault
                }
            }
            return taken
        }
    }
}
