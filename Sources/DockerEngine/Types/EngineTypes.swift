import OCIDistribution

/// `GET /version`: what the engine says of itself.
package struct EngineVersion: Decodable, Sendable {
    package let version: String
    package let apiVersion: String
    package let minimumAPIVersion: String?
    package let operatingSystem: String?
    package let architecture: String?
    package let platform: PlatformName?
    /// The programs that make up the engine; Podman names itself here.
    package let components: [Component]?

    package struct Component: Decodable, Sendable {
        package let name: String
        enum CodingKeys: String, CodingKey { case name = "Name" }
    }

    package struct PlatformName: Decodable, Sendable {
        package let name: String
        enum CodingKeys: String, CodingKey { case name = "Name" }
    }

    enum CodingKeys: String, CodingKey {
        case version = "Version"
        case apiVersion = "ApiVersion"
        case minimumAPIVersion = "MinAPIVersion"
        case operatingSystem = "Os"
        case architecture = "Arch"
        case platform = "Platform"
        case components = "Components"
    }
}

/// `GET /info`: facts of the engine and its host.
package struct EngineInfo: Decodable, Sendable {
    /// Identifies the engine; Podman's changes with each call.
    package let id: String
    package let serverVersion: String
    package let storageDriver: String
    package let cgroupDriver: String?
    package let cgroupVersion: String?
    package let memoryTotal: Int64
    package let processors: Int
    package let operatingSystem: String
    package let osType: String
    package let architecture: String
    package let dataRoot: String
    package let memoryLimit: Bool?
    package let swapLimit: Bool?
    package let initBinary: String?
    package let securityOptions: [String]?
    package let warnings: [String]?
    package let registries: RegistryConfiguration?
    /// The engine's clock, RFC 3339 with up to nine decimals.
    package let systemTime: String?

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case serverVersion = "ServerVersion"
        case storageDriver = "Driver"
        case cgroupDriver = "CgroupDriver"
        case cgroupVersion = "CgroupVersion"
        case memoryTotal = "MemTotal"
        case processors = "NCPU"
        case operatingSystem = "OperatingSystem"
        case osType = "OSType"
        case architecture = "Architecture"
        case dataRoot = "DockerRootDir"
        case memoryLimit = "MemoryLimit"
        case swapLimit = "SwapLimit"
        case initBinary = "InitBinary"
        case securityOptions = "SecurityOptions"
        case warnings = "Warnings"
        case registries = "RegistryConfig"
        case systemTime = "SystemTime"
    }

    /// How the engine reaches registries.
    package struct RegistryConfiguration: Decodable, Sendable {
        /// Mirrors of docker.io, in the order in which the engine asks them.
        package let mirrors: [String]?
        /// Networks whose registries may speak plain HTTP or show a certificate nobody signed.
        package let insecureNetworks: [String]?
        package let indexes: [String: Index]?

        package struct Index: Decodable, Sendable {
            package let secure: Bool?
            enum CodingKeys: String, CodingKey { case secure = "Secure" }
        }

        enum CodingKeys: String, CodingKey {
            case mirrors = "Mirrors"
            case insecureNetworks = "InsecureRegistryCIDRs"
            case indexes = "IndexConfigs"
        }
    }
}

/// `GET /_ping`: that an engine answers, and the newest API version it speaks.
package struct EnginePing: Sendable {
    package let apiVersion: APIVersion?
    package let osType: String?
}
