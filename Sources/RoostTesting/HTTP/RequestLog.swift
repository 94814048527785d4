package import NIOHTTP1
import Synchronization

/// What a server under test was asked, and how far its answers got.
package final class RequestLog: Sendable {
    /// One request, from its head on.
    package struct Entry: Sendable {
        /// Counts the log's requests from 0, in order of their heads' arrival.
        package let number: Int
        package let method: HTTPMethod
        /// The path without the query, as it was sent.
        package let path: String
        package let hasAuthorization: Bool
        /// The `Range` header.
        package let range: String?
        package let connection: Int
        /// The answer's status, once there is one.
        package fileprivate(set) var status: Int?
        /// Body bytes handed to the client's connection so far.
        package fileprivate(set) var bytesSent = 0
        /// Whether the answer has ended, however it ended.
        package fileprivate(set) var isFinished = false
    }

    private struct Waiter {
        let predicate: @Sendable (Entry) -> Bool
        let continuation: CheckedContinuation<Entry, any Error>
    }

    private struct State {
        var entries: [Entry] = []
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    init() {}

    // MARK: Reading

    /// All requests, in order of arrival.
    package var entries: [Entry] { state.withLock { $0.entries } }

    /// The requests of this method whose path ends in `pathSuffix`; nil stands for any.
    package func requests(method: HTTPMethod? = nil, pathSuffix: String = "") -> [Entry] {
        entries.filter { (method == nil || $0.method == method) && $0.path.hasSuffix(pathSuffix) }
    }

    /// How often each blob was fetched by GET, by digest, however the fetch ended.
    package var blobFetches: [String: Int] {
        entries.reduce(into: [:]) { counts, entry in
            guard entry.method == .GET, let digest = Self.blobDigest(entry.path) else { return }
            counts[digest, default: 0] += 1
        }
    }

    /// Body bytes sent for all requests together.
    package var totalBytesSent: Int { entries.reduce(0) { $0 + $1.bytesSent } }

    /// Forgets the requests so far.
    package func removeAll() {
        state.withLock { state in
            // Numbers go on, so a request still in progress does not write into a later one's entry.
            state.entries = []
        }
    }

    /// Waits for a request.
    ///
    /// - Parameter predicate: Asked for each request that was logged already, then at each request's start and each
    ///   time that its status, bytes or end become known. It must not use the log.
    /// - Returns: The first request that matches, as it is at that moment.
    /// - Throws: `CancellationError`.
    @discardableResult
    package func waitFor(_ predicate: @escaping @Sendable (Entry) -> Bool) async throws -> Entry {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let found = state.withLock { state -> Result<Entry, any Error>? in
                    if let entry = state.entries.first(where: predicate) { return .success(entry) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[id] = Waiter(predicate: predicate, continuation: continuation)
                    return nil
                }
                if let found { continuation.resume(with: found) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    // MARK: Writing

    private let counter = Mutex(0)

    /// Logs a request's head.
    ///
    /// - Returns: The number by which the answer is logged.
    func begin(_ request: HTTPTestRequest) -> Int {
        let number = counter.withLock { counter in
            defer { counter += 1 }
            return counter
        }
        let entry = Entry(
            number: number,
            method: request.method,
            path: request.path,
            hasAuthorization: request.headers.contains(name: "authorization"),
            range: request.headers.first(name: "range"),
            connection: request.connection
        )
        let matched = state.withLock { state in
            state.entries.append(entry)
            return Self.takeWaiters(matching: entry, from: &state)
        }
        for waiter in matched { waiter.continuation.resume(returning: entry) }
        return number
    }

    func setStatus(_ status: HTTPResponseStatus, of number: Int) {
        update(number) { $0.status = Int(status.code) }
    }

    func addBytes(_ count: Int, to number: Int) {
        update(number) { $0.bytesSent += count }
    }

    func finish(_ number: Int) {
        update(number) { $0.isFinished = true }
    }

    private func update(_ number: Int, _ change: (inout Entry) -> Void) {
        let (entry, matched) = state.withLock { state -> (Entry?, [Waiter]) in
            // Requests in progress are near the end.
            guard let index = state.entries.lastIndex(where: { $0.number == number }) else { return (nil, []) }
            change(&state.entries[index])
            return (state.entries[index], Self.takeWaiters(matching: state.entries[index], from: &state))
        }
        guard let entry else { return }
        for waiter in matched { waiter.continuation.resume(returning: entry) }
    }

    private static func takeWaiters(matching entry: Entry, from state: inout State) -> [Waiter] {
        let ids = state.waiters.filter { $0.value.predicate(entry) }.keys
        return ids.compactMap { state.waiters.removeValue(forKey: $0) }
    }

    /// The digest that a blob's path ends in, if this is a blob's path.
    private static func blobDigest(_ path: String) -> String? {
        let parts = path.split(separator: "/")
        guard parts.count >= 2, parts[parts.count - 2] == "blobs" else { return nil }
        return String(parts[parts.count - 1]).replacing("%3A", with: ":")
    }
}
