package import AsyncHTTPClient
package import OCIDistribution
import NIOCore
import Synchronization

/// Dials hosts of one upstream, none of which may lead into the networks of this machine unless the operator has named it.
///
/// The addresses are judged twice: those that the name stands for, before anything is dialled; and the one that a
/// connection has reached, before anything is sent, since a name may stand for something else a moment later.
package struct JudgedDialler: RegistryDialler {
    /// The two HTTP clients that all upstreams share; whoever makes them shuts them down.
    package struct Clients: Sendable {
        let open: HTTPClient
        let permitted: HTTPClient

        package init() {
            open = Self.client(isPermitted: false)
            permitted = Self.client(isPermitted: true)
        }

        /// Closes the connections. What fails in doing so has nothing to add.
        package func shutDown() async {
            try? await open.shutdown()
            try? await permitted.shutdown()
        }

        private static func client(isPermitted: Bool) -> HTTPClient {
            RegistryClient.makeHTTPClient(connectionsPerHost: 64) { reached in
                guard let address = InternetAddress(reached) else {
                    return AddressRefusal("it leads to something that is no address of the Internet")
                }
                return AddressPolicy.judge(address, isPermitted: isPermitted)
            }
        }
    }

    private let clients: Clients
    private let permittedHosts: Set<String>
    private let resolver: any HostResolver
    private let memory: JudgementMemory

    /// - Parameters:
    ///   - clients: The HTTP clients.
    ///   - permittedHosts: The hosts that the operator has named, in lowercase.
    ///   - resolver: Looks names up.
    ///   - time: What the age of a judgement is counted in.
    package init(
        clients: Clients,
        permittedHosts: Set<String>,
        resolver: any HostResolver,
        time: RegistryTime = .system
    ) {
        self.clients = clients
        self.permittedHosts = permittedHosts
        self.resolver = resolver
        memory = JudgementMemory(now: time.now)
    }

    package func client(for host: String, port: Int) async throws(RegistryError.Failure) -> HTTPClient {
        let isPermitted = permittedHosts.contains(host)
        if !memory.isSound(host) {
            let addresses = try await addresses(of: host)
            guard !addresses.isEmpty else { throw .unreachable(cause: NoSuchHost(host: host)) }
            for address in addresses {
                // One that may not be dialled is enough: nobody says which of them is tried first.
                if let refusal = AddressPolicy.judge(address, isPermitted: isPermitted) {
                    throw .invalidResponse("\(QuotedText(host)) is not asked: \(refusal)")
                }
            }
            memory.note(host)
        }
        return isPermitted ? clients.permitted : clients.open
    }

    private func addresses(of host: String) async throws(RegistryError.Failure) -> [InternetAddress] {
        if let address = InternetAddress(parsing: host) { return [address] }
        do {
            return try await resolver.addresses(of: host)
        } catch {
            if Task.isCancelled || error is CancellationError { throw .cancelled }
            throw .unreachable(cause: error)
        }
    }

    struct NoSuchHost: Error, CustomStringConvertible {
        /// In the grammar of hosts, so that it can stand in a message.
        let host: String

        var description: String { "there is no host \(host)" }
    }
}

/// Which hosts were found sound lately, so that not every request looks its host's name up.
private final class JudgementMemory: Sendable {
    private static let lifetime = Duration.seconds(30)
    /// More than the hosts of any upstream, and little to keep.
    private static let mostHosts = 256

    private let hosts = Mutex<[String: ContinuousClock.Instant]>([:])
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant) {
        self.now = now
    }

    func isSound(_ host: String) -> Bool {
        let now = now()
        return hosts.withLock { hosts in hosts[host].map { now < $0 } ?? false }
    }

    func note(_ host: String) {
        let now = now()
        hosts.withLock { hosts in
            if hosts.count >= Self.mostHosts { hosts = hosts.filter { now < $0.value } }
            if hosts.count < Self.mostHosts { hosts[host] = now + Self.lifetime }
        }
    }
}
