package import OCIDistribution

/// Why an address is nothing that a registry on the Internet could have.
package enum AddressKind: String, Hashable, Sendable, CaseIterable {
    case loopback
    case linkLocal = "link-local"
    case `private`
    /// Shared by the customers of a provider (RFC 6598).
    case shared
    /// Where clouds tell a machine its secrets.
    case metadata
    case multicast
    case unspecified
    /// Set aside for documentation, measurement or nothing.
    case reserved
    case `public`

    package init(_ address: InternetAddress) {
        self =
            address.embedded.map { Self.v4($0.bytes) } ?? (address.bytes.count == 4 ? Self.v4 : Self.v6)(address.bytes)
    }

    private static func v4(_ bytes: [UInt8]) -> AddressKind {
        if metadataAddresses.contains(bytes) { return .metadata }
        return switch (bytes[0], bytes[1], bytes[2]) {
        case (0, _, _): .unspecified
        case (10, _, _), (172, 16...31, _), (192, 168, _): .private
        case (100, 64...127, _): .shared
        case (127, _, _): .loopback
        case (169, 254, _): .linkLocal
        case (192, 0, 0), (192, 0, 2), (192, 88, 99), (198, 18...19, _), (198, 51, 100), (203, 0, 113): .reserved
        case (224...239, _, _): .multicast
        case (240..., _, _): .reserved
        default: .public
        }
    }

    private static func v6(_ bytes: [UInt8]) -> AddressKind {
        if metadataAddresses.contains(bytes) { return .metadata }
        if bytes.allSatisfy({ $0 == 0 }) { return .unspecified }
        if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] == 1 { return .loopback }
        return switch (bytes[0], bytes[1]) {
        case (0xfe, 0x80...0xbf): .linkLocal
        // Site-local, which unique local addresses have taken the place of.
        case (0xfe, 0xc0...), (0xfc...0xfd, _): .private
        case (0xff, _): .multicast
        case (0x20, 0x01) where bytes[2] <= 0x01 || (bytes[2] == 0x0d && bytes[3] == 0xb8): .reserved
        // Everything that is given out today.
        case (0x20...0x3f, _): .public
        default: .reserved
        }
    }

    /// Of AWS and most others, Oracle, Alibaba, Azure; and of AWS in IPv6.
    private static let metadataAddresses: Set<[UInt8]> = [
        [169, 254, 169, 254], [169, 254, 170, 2], [192, 0, 0, 192], [100, 100, 100, 200], [168, 63, 129, 16],
        [0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
    ]
}

/// Decides which addresses may be dialled.
package enum AddressPolicy {
    /// - Parameters:
    ///   - address: The address that a host's name stands for, or that a connection has reached.
    ///   - isPermitted: Whether the operator has named the host, so that it may well be in a network of their own. Where
    ///     clouds keep their secrets is no registry, whoever names it.
    /// - Returns: What is wrong with it; `nil` where it may be dialled.
    package static func judge(_ address: InternetAddress, isPermitted: Bool) -> AddressRefusal? {
        let kind = AddressKind(address)
        switch kind {
        case .public: return nil
        case .loopback, .private, .shared, .linkLocal, .reserved:
            if isPermitted { return nil }
        case .metadata, .multicast, .unspecified: break
        }
        return AddressRefusal("it leads to \(address), which is \(kind.text)")
    }
}

extension AddressKind {
    fileprivate var text: String {
        switch self {
        case .loopback: "this machine"
        case .metadata: "a cloud's metadata service"
        case .public: "a public address"
        default: "a \(rawValue) address"
        }
    }
}
