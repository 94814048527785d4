/// One row of `GET /images/json`.
package struct ImageSummary: Decodable, Sendable {
    package let id: String
    package let repoTags: [String]?
    package let repoDigests: [String]?
    package let created: Int64
    package let size: Int64
    package let labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case repoTags = "RepoTags"
        case repoDigests = "RepoDigests"
        case created = "Created"
        case size = "Size"
        case labels = "Labels"
    }
}

/// `GET /images/{name}/json`.
package struct ImageInspection: Decodable, Sendable {
    package let id: String
    package let repoTags: [String]?
    /// `name@sha256:…` for each registry manifest that this image is known by.
    package let repoDigests: [String]?
    package let architecture: String
    package let os: String
    package let variant: String?
    package let size: Int64
    package let config: Config?
    package let rootFS: RootFS?

    package struct Config: Decodable, Sendable {
        package let user: String?
        package let entrypoint: [String]?
        package let command: [String]?
        package let environment: [String]?
        package let labels: [String: String]?

        enum CodingKeys: String, CodingKey {
            case user = "User"
            case entrypoint = "Entrypoint"
            case command = "Cmd"
            case environment = "Env"
            case labels = "Labels"
        }
    }

    package struct RootFS: Decodable, Sendable {
        /// The diff IDs of the layers, lowest first.
        package let layers: [String]?
        enum CodingKeys: String, CodingKey { case layers = "Layers" }
    }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case repoTags = "RepoTags"
        case repoDigests = "RepoDigests"
        case architecture = "Architecture"
        case os = "Os"
        case variant = "Variant"
        case size = "Size"
        case config = "Config"
        case rootFS = "RootFS"
    }
}

/// One message of a pull's stream (`POST /images/create`).
package struct PullMessage: Decodable, Sendable {
    /// A layer's short digest, the tag, or `nil` for messages about the whole.
    package let id: String?
    package let status: String?
    package let progress: Progress?

    package struct Progress: Decodable, Sendable {
        package let current: Int64?
        package let total: Int64?
    }

    enum CodingKeys: String, CodingKey {
        case id
        case status
        case progress = "progressDetail"
    }
}

/// One row of the answer to `DELETE /images/{name}`.
package struct ImageRemoval: Decodable, Sendable {
    package let untagged: String?
    package let deleted: String?

    enum CodingKeys: String, CodingKey {
        case untagged = "Untagged"
        case deleted = "Deleted"
    }
}
