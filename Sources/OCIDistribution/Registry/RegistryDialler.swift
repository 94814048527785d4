package import AsyncHTTPClient
package import NIOCore
import NIOPosix

/// Says before each request, those that redirects and token services lead to included, with which client its host may be
/// talked to.
package protocol RegistryDialler: Sendable {
    /// The client for a host.
    ///
    /// - Parameters:
    ///   - host: The host, an IPv6 address without its brackets.
    ///   - port: The port.
    /// - Returns: The client.
    /// - Throws: Why the host is not to be dialled, or could not be looked up.
    func client(for host: String, port: Int) async throws(RegistryError.Failure) -> HTTPClient
}

/// Dials every host with one client.
struct OpenDialler: RegistryDialler {
    let http: HTTPClient

    func client(for host: String, port: Int) async throws(RegistryError.Failure) -> HTTPClient { http }
}

/// An address that is not to be talked to.
package struct AddressRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the address, fit for a message.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

extension RegistryClient {
    /// Makes an HTTP client fit for registries, to be shared by all that talk to them and shut down by its maker.
    ///
    /// It follows no redirects, since the client has to judge each; it unpacks nothing, since digests are of the exact
    /// bytes; and it reports a refused connection at once instead of trying until the deadline.
    ///
    /// - Parameters:
    ///   - eventLoopGroup: Where it runs; the process's shared threads where it is `nil`.
    ///   - connectionsPerHost: How many requests to one host may run at once; further ones wait.
    ///   - judge: Given the address that each new connection has reached, and asked before anything is sent over it.
    /// - Returns: The client.
    package static func makeHTTPClient(
        eventLoopGroup: (any EventLoopGroup)? = nil,
        connectionsPerHost: Int? = nil,
        judge: (@Sendable (SocketAddress) -> AddressRefusal?)? = nil
    ) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        if let connectionsPerHost {
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connectionsPerHost
            // One connection for each of them, as they are counted.
            configuration.httpVersion = .http1Only
        }
        if let judge {
            configuration.httpVersion = .http1Only
            configuration.http1_1ConnectionDebugInitializer = { channel in
                let refusal =
                    channel.remoteAddress.map(judge) ?? AddressRefusal("it has no address that could be judged")
                guard let refusal else { return channel.eventLoop.makeSucceededVoidFuture() }
                // Closed once the pool knows that it gets no connection.
                channel.eventLoop.execute { channel.close(promise: nil) }
                return channel.eventLoop.makeFailedFuture(refusal)
            }
        }
        let group = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }
}
