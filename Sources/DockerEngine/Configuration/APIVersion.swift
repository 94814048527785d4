/// A version of the Docker Engine API, such as 1.41.
package struct APIVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `1.41`; a leading `v` is allowed.
    package init?(parsing text: String) {
        let parts = text.dropFirst(text.hasPrefix("v") ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        // Int alone would take a sign too.
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let major = Int(parts[0]), let minor = Int(parts[1])
        else { return nil }
        self.init(major: major, minor: minor)
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: APIVersion, right: APIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

/// Which API version Roost and an engine speak with each other.
///
/// The engine's newest comes from the `Api-Version` header of `/_ping`; its oldest from `/version`. Docker 29 refuses what
/// is below 1.44, so that the newest version both know is taken, not the oldest.
package enum APIVersionNegotiation {
    /// Docker 20.10 and Podman's compatible API.
    package static let oldestSupported = APIVersion(major: 1, minor: 41)
    /// The newest whose changes Roost has been checked against.
    package static let newestSupported = APIVersion(major: 1, minor: 52)

    /// Chooses the version.
    ///
    /// - Parameters:
    ///   - engineNewest: The engine's newest version.
    ///   - engineOldest: The engine's oldest version where it says so.
    ///   - requested: The version that `DOCKER_API_VERSION` asks for; taken as it is where the engine accepts it.
    /// - Returns: The version for every request.
    /// - Throws: ``EngineError/unsupportedVersion(_:)`` where the two have none in common.
    package static func choose(
        engineNewest: APIVersion,
        engineOldest: APIVersion?,
        requested: APIVersion?
    ) throws(EngineError) -> APIVersion {
        let mismatch = VersionMismatch(
            engineNewest: engineNewest,
            engineOldest: engineOldest,
            requested: requested
        )
        let wanted = requested ?? min(engineNewest, newestSupported)
        guard wanted >= oldestSupported, wanted <= engineNewest, wanted >= engineOldest ?? wanted else {
            throw .unsupportedVersion(mismatch)
        }
        return wanted
    }
}

/// Roost and the engine have no API version in common.
package struct VersionMismatch: Hashable, Sendable, CustomStringConvertible {
    package let engineNewest: APIVersion
    package let engineOldest: APIVersion?
    package let requested: APIVersion?

    package var description: String {
        let engine =
            engineOldest.map { "the engine speaks API versions \($0) to \(engineNewest)" }
            ?? "the engine speaks API versions up to \(engineNewest)"
        if let requested {
            return
                "\(engine), but DOCKER_API_VERSION asks for \(requested); unset DOCKER_API_VERSION, and Roost chooses"
        }
        let roost =
            "Roost speaks \(APIVersionNegotiation.oldestSupported) to \(APIVersionNegotiation.newestSupported)"
        let remedy =
            engineNewest < APIVersionNegotiation.oldestSupported
            ? "update the engine to Docker 20.10 or newer" : "update Roost"
        return "\(engine), \(roost); \(remedy)"
    }
}
