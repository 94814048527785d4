#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which `Host` a request may name: an address, `localhost`, or one of the listener's own names.
///
/// Any other name is one that somebody else's DNS has led here, such as a web page's that rebinds its name to loopback.
package struct HostRule: Hashable, Sendable {
    /// Lowercase, without ports.
    private let names: Set<String>

    /// - Parameter names: What the listener is called beside `localhost`.
    package init(names: Set<String> = []) {
        self.names = Set(names.map { $0.lowercased() }).union(["localhost"])
    }

    /// Whether a `Host` header's value is admitted.
    package func admits(_ host: String) -> Bool {
        guard !host.isEmpty, host.utf8.count <= 261 else { return false }
        if host.utf8.first == UInt8(ascii: "[") {
            guard let end = host.utf8.firstIndex(of: UInt8(ascii: "]")) else { return false }
            return Self.isPortOrNothing(host[end...].dropFirst())
                && Self.isAddress(String(host[..<end].dropFirst()), AF_INET6)
        }
        let colon = host.utf8.firstIndex(of: UInt8(ascii: ":")) ?? host.endIndex
        guard Self.isPortOrNothing(host[colon...]) else { return false }
        let name = String(host[..<colon])
        return Self.isAddress(name, AF_INET) || names.contains(name.lowercased())
    }

    private static func isPortOrNothing(_ text: Substring) -> Bool {
        if text.isEmpty { return true }
        let digits = text.utf8.dropFirst()
        return text.utf8.first == UInt8(ascii: ":") && (1...5).contains(digits.count)
            && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isAddress(_ text: String, _ family: CInt) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { address in
            inet_pton(family, text, address.baseAddress) == 1
        }
    }
}
