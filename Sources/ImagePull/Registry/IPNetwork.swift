#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A block of IP addresses, such as `127.0.0.0/8` or `::1/128`.
struct IPNetwork: Hashable {
    private let address: [UInt8]
    private let prefixLength: Int

    init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(parts[1]),
            let address = Self.address(String(parts[0])), length <= address.count * 8
        else { return nil }
        self.address = address
        prefixLength = length
    }

    /// Whether `host` is an address in this block. Names are in none: nothing is looked up.
    func contains(_ host: String) -> Bool {
        guard let other = Self.address(host), other.count == address.count else { return false }
        let whole = prefixLength / 8
        guard address.prefix(whole).elementsEqual(other.prefix(whole)) else { return false }
        let rest = prefixLength % 8
        return rest == 0 || (address[whole] ^ other[whole]) >> (8 - rest) == 0
    }

    private static func address(_ text: String) -> [UInt8]? {
        for (family, length) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: length)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
