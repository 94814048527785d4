/// What an image runs on, in the OCI's words (those of Go): `linux/amd64`, `linux/arm/v7`.
package struct Platform: Hashable, Sendable, CustomStringConvertible {
    package let os: String
    package let architecture: String
    /// The variant of the architecture, such as `v7`; `nil` where it is the architecture's default.
    package let variant: String?

    /// Makes a platform, normalising the names as containerd does: `x86_64` is `amd64`, `arm64/v8` is `arm64`.
    package init(os: String, architecture: String, variant: String? = nil) {
        self.os = os.lowercased() == "macos" ? "darwin" : os.lowercased()
        let variant = variant?.lowercased()
        switch (architecture.lowercased(), variant) {
        case ("x86_64", _), ("x86-64", _), ("amd64", _):
            self.architecture = "amd64"
            self.variant = variant == "v1" || variant == "" ? nil : variant
        case ("aarch64", _), ("arm64", _):
            self.architecture = "arm64"
            self.variant = variant == "8" || variant == "v8" || variant == "" ? nil : variant
        case ("armhf", _):
            self.architecture = "arm"
            self.variant = "v7"
        case ("armel", _):
            self.architecture = "arm"
            self.variant = "v6"
        case ("arm", nil), ("arm", ""), ("arm", "7"):
            self.architecture = "arm"
            self.variant = "v7"
        case ("arm", "5"), ("arm", "6"), ("arm", "8"):
            self.architecture = "arm"
            self.variant = variant.map { "v\($0)" }
        case ("i386", _), ("i686", _):
            self.architecture = "386"
            self.variant = nil
        case (let other, _):
            self.architecture = other
            self.variant = variant == "" ? nil : variant
        }
    }

    /// Reads `os/architecture`, `os/architecture/variant` or an architecture alone, which means Linux.
    package init(parsing text: String) throws(PlatformError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let valid = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.count <= 32
                && part.utf8.allSatisfy { $0.isAlphanumeric || "._-".utf8.contains($0) }
        }
        guard valid, (1...3).contains(parts.count) else { throw PlatformError(text: QuotedText(text)) }
        if parts.count == 1 {
            guard Self.architectures.contains(parts[0].lowercased()) else {
                throw PlatformError(text: QuotedText(text))
            }
            self.init(os: "linux", architecture: String(parts[0]))
        } else {
            self.init(
                os: String(parts[0]),
                architecture: String(parts[1]),
                variant: parts.count == 3 ? String(parts[2]) : nil
            )
        }
    }

    /// The platform of this machine. The engine's may differ; where it is known it is the one to use.
    package static var host: Platform {
        #if os(Linux)
            let os = "linux"
        #else
            let os = "darwin"
        #endif
        #if arch(x86_64)
            return Platform(os: os, architecture: "amd64")
        #elseif arch(arm64)
            return Platform(os: os, architecture: "arm64")
        #elseif arch(arm)
            return Platform(os: os, architecture: "arm")
        #elseif arch(i386)
            return Platform(os: os, architecture: "386")
        #elseif arch(powerpc64le)
            return Platform(os: os, architecture: "ppc64le")
        #elseif arch(s390x)
            return Platform(os: os, architecture: "s390x")
        #elseif arch(riscv64)
            return Platform(os: os, architecture: "riscv64")
        #endif
    }

    package var description: String {
        [os, architecture, variant].compactMap(\.self).joined(separator: "/")
    }

    private static let architectures: Set<String> = [
        "386", "amd64", "arm", "arm64", "armel", "armhf", "aarch64", "i386", "i686", "loong64", "mips64le", "ppc64le",
        "riscv64", "s390x", "x86_64", "x86-64",
    ]
}

extension Platform: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            os: try container.decode(String.self, forKey: .os),
            architecture: try container.decode(String.self, forKey: .architecture),
            variant: try container.decodeIfPresent(String.self, forKey: .variant)
        )
    }
}

/// A text that is no platform.
package struct PlatformError: Error, Hashable, CustomStringConvertible {
    /// The text, safe to print.
    package let text: QuotedText

    package var description: String { "\(text) is not a platform: one looks like linux/amd64 or linux/arm/v7" }
}
