package import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An address of IPv4 or IPv6.
package struct InternetAddress: Hashable, Sendable, CustomStringConvertible {
    /// Four bytes or sixteen, in the order of the network.
    package let bytes: [UInt8]

    /// - Returns: `nil` for any other number of bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads the usual forms: four decimal numbers with dots, or groups with colons; a zone (`%eth0`) is left out.
    package init?(parsing text: String) {
        let bare = String(text.prefix { $0 != "%" })
        guard !bare.isEmpty, bare.utf8.count <= 45, bare.utf8.allSatisfy({ $0 != 0 }) else { return nil }
        for (family, length) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: length)
            if inet_pton(family, bare, &bytes) == 1 {
                self.bytes = bytes
                return
            }
        }
        return nil
    }

    /// The address of a socket; `nil` for a unix socket.
    package init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        self.init(parsing: text)
    }

    package var description: String {
        var bytes = bytes
        var text = [CChar](repeating: 0, count: 64)
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, &bytes, &text, socklen_t(text.count)) != nil else { return "an address" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The address of IPv4 that this one of IPv6 stands for: mapped, compatible, translated (NAT64) or tunnelled (6to4).
    var embedded: InternetAddress? {
        guard bytes.count == 16 else { return nil }
        let zeros = [UInt8](repeating: 0, count: 12)
        if bytes.starts(with: zeros[..<10]), bytes[10] == 0xff, bytes[11] == 0xff {
            return InternetAddress(bytes: Array(bytes[12...]))
        }
        // Not the address without any bit and not the loopback, which are IPv6's own.
        if bytes.starts(with: zeros), bytes[12...].contains(where: { $0 != 0 }), bytes[12...] != [0, 0, 0, 1] {
            return InternetAddress(bytes: Array(bytes[12...]))
        }
        if bytes.starts(with: [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]) {
            return InternetAddress(bytes: Array(bytes[12...]))
        }
        if bytes.starts(with: [0x20, 0x02]) { return InternetAddress(bytes: Array(bytes[2..<6])) }
        return nil
    }
}
