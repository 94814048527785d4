import NIOHTTP1
import RoostCore

extension EngineClient {
    /// `GET /networks`: the networks that carry all of the labels; without labels, all.
    package func networks(labels: [String: String] = [:]) async throws -> [NetworkSummary] {
        var list = request(.GET, "/networks", "list networks")
        if !labels.isEmpty { list.query.append(try LabelFilter(labels).query) }
        return try await call(list)
    }

    /// `POST /networks/create`: a bridge network.
    ///
    /// - Returns: The network's ID.
    /// - Throws: A status of 409 where the name is taken.
    package func createNetwork(name: String, labels: [String: String]) async throws -> String {
        struct Body: Encodable {
            let name: String
            let checkDuplicate = true
            let labels: [String: String]
            enum CodingKeys: String, CodingKey {
                case name = "Name"
                case checkDuplicate = "CheckDuplicate"
                case labels = "Labels"
            }
        }
        struct Answer: Decodable {
            let id: String
            enum CodingKeys: String, CodingKey { case id = "Id" }
        }
        let answer: Answer = try await call(
            request(.POST, "/networks/create", "create network '\(name)'").with(json: Body(name: name, labels: labels))
        )
        return answer.id
    }

    /// `GET /networks/{id}`: by name or ID; `nil` where there is none.
    package func inspectNetwork(_ id: String) async throws -> NetworkSummary? {
        do {
            return try await call(
                request(.GET, "/networks/\(PercentEncoding.encode(id))", "inspect network '\(id)'")
            )
        } catch let error as EngineError where error.statusCode == 404 {
            return nil
        }
    }

    /// `DELETE /networks/{id}`; one that is already gone is no error.
    package func removeNetwork(_ id: String) async throws {
        do {
            try await call(request(.DELETE, "/networks/\(PercentEncoding.encode(id))", "remove network '\(id)'"))
        } catch let error as EngineError where error.statusCode == 404 {
            return
        }
    }

    /// `GET /volumes`: the volumes that carry all of the labels; without labels, all.
    package func volumes(labels: [String: String] = [:]) async throws -> [VolumeSummary] {
        struct Answer: Decodable {
            let volumes: [VolumeSummary]?
            enum CodingKeys: String, CodingKey { case volumes = "Volumes" }
        }
        var list = request(.GET, "/volumes", "list volumes")
        if !labels.isEmpty { list.query.append(try LabelFilter(labels).query) }
        let answer: Answer = try await call(list)
        return answer.volumes ?? []
    }

    /// `POST /volumes/create`: a local volume. One of that name that exists already is returned as it is.
    package func createVolume(name: String, labels: [String: String]) async throws -> VolumeSummary {
        struct Body: Encodable {
            let name: String
            let labels: [String: String]
            enum CodingKeys: String, CodingKey {
                case name = "Name"
                case labels = "Labels"
            }
        }
        return try await call(
            request(.POST, "/volumes/create", "create volume '\(name)'").with(json: Body(name: name, labels: labels))
        )
    }

    /// `GET /volumes/{name}`; `nil` where there is none.
    package func inspectVolume(_ name: String) async throws -> VolumeSummary? {
        do {
            return try await call(request(.GET, "/volumes/\(PercentEncoding.encode(name))", "inspect volume '\(name)'"))
        } catch let error as EngineError where error.statusCode == 404 {
            return nil
        }
    }

    /// `DELETE /volumes/{name}`; one that is already gone is no error.
    ///
    /// - Throws: A status of 409 where a container uses it.
    package func removeVolume(_ name: String) async throws {
        do {
            try await call(request(.DELETE, "/volumes/\(PercentEncoding.encode(name))", "remove volume '\(name)'"))
        } catch let error as EngineError where error.statusCode == 404 {
            return
        }
    }
}
