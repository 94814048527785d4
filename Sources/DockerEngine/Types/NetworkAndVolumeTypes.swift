/// A network of `GET /networks` and `GET /networks/{id}`.
package struct NetworkSummary: Decodable, Sendable {
    package let id: String
    package let name: String
    package let driver: String
    package let labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case name = "Name"
        case driver = "Driver"
        case labels = "Labels"
    }
}

/// A volume of `GET /volumes` and `GET /volumes/{name}`.
package struct VolumeSummary: Decodable, Sendable {
    package let name: String
    package let driver: String
    package let mountPoint: String
    package let labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case driver = "Driver"
        case mountPoint = "Mountpoint"
        case labels = "Labels"
    }
}

/// One event of `GET /events`.
package struct EngineEvent: Decodable, Sendable {
    /// `container`, `image`, `network`, `volume`, `daemon`…
    package let type: String
    /// `create`, `start`, `die`, `pull`…
    package let action: String
    package let actor: Actor
    /// Nanoseconds since 1970.
    package let timeInNanoseconds: Int64

    package struct Actor: Decodable, Sendable {
        package let id: String
        package let attributes: [String: String]?

        enum CodingKeys: String, CodingKey {
            case id = "ID"
            case attributes = "Attributes"
        }
    }

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case action = "Action"
        case actor = "Actor"
        case timeInNanoseconds = "timeNano"
    }
}
