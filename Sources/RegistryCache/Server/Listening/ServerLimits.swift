/// What one client may take of the server.
package struct ServerLimits: Hashable, Sendable {
    /// Bytes of a request line and its headers.
    package var headBytes = 16 << 10
    /// From a request's first byte, or from the connection on, to the end of its headers.
    package var headTime = Duration.seconds(10)
    /// Between two requests.
    package var idleTime = Duration.seconds(60)
    /// How long a client may take none of what is sent to it.
    package var stallTime = Duration.seconds(300)
    /// How many at once; those beyond wait to be accepted.
    package var connections = 512
    /// How long what is being sent may go on when the server is stopped.
    package var grace = Duration.seconds(30)

    package init() {}
}
