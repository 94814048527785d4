package import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds the addresses of hosts.
package protocol HostResolver: Sendable {
    /// - Parameter host: A name or an address, without brackets.
    /// - Returns: Its addresses, none where there is no such host.
    /// - Throws: `CancellationError`, or what kept it from an answer.
    func addresses(of host: String) async throws -> [InternetAddress]
}

/// The system's resolver, asked on threads for blocking work. It can't be interrupted, so whoever is cancelled leaves it
/// behind; what it says then is of no use to anybody.
package struct SystemResolver: HostResolver {
    /// The lookup failed for the time being.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let threads: NIOThreadPool

    package init(threads: NIOThreadPool = .singleton) {
        self.threads = threads
    }

    package func addresses(of host: String) async throws -> [InternetAddress] {
        let answer = Answer()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answer.wait(continuation)
                threads.submit { state in
                    guard !answer.isGiven else { return }
                    guard case .active = state else {
                        return answer.give(.failure(Failure(description: "the program ends")))
                    }
                    answer.give(Result { try Self.lookUp(host) })
                }
            }
        } onCancel: {
            answer.give(.failure(CancellationError()))
        }
    }

    /// One answer, the first of those given.
    private final class Answer: Sendable {
        private struct State {
            var result: Result<[InternetAddress], any Error>?
            var waiting: CheckedContinuation<[InternetAddress], any Error>?
        }

        private let state = Mutex(State())

        var isGiven: Bool { state.withLock { $0.result != nil } }

        func wait(_ continuation: CheckedContinuation<[InternetAddress], any Error>) {
            let result = state.withLock { state in
                if state.result == nil { state.waiting = continuation }
                return state.result
            }
            if let result { continuation.resume(with: result) }
        }

        func give(_ result: Result<[InternetAddress], any Error>) {
            let waiting = state.withLock { state in
                guard state.result == nil else { return nil as CheckedContinuation<[InternetAddress], any Error>? }
                state.result = result
                return state.waiting.take()
            }
            waiting?.resume(with: result)
        }
    }

    private static func lookUp(_ host: String) throws -> [InternetAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            if status == EAI_NONAME { return [] }
            throw Failure(description: "the name can't be looked up: \(String(cString: gai_strerror(status)))")
        }
        var found: [InternetAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            guard let address = entry.ai_addr else { continue }
            let bytes: [UInt8]? =
                switch entry.ai_family {
                case AF_INET:
                    address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                        withUnsafeBytes(of: pointer.pointee.sin_addr) { Array($0) }
                    }
                case AF_INET6:
                    address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                        withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
                    }
                default: nil
                }
            if let bytes, let address = InternetAddress(bytes: bytes), !found.contains(address) {
                found.append(address)
            }
        }
        return found
    }
}
