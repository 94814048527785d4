import DockerEngine
import NIOHTTP1
import OCIDistribution

struct FakeVolume: Sendable {
    let name: String
    let labels: [String: String]

    var json: JSONValue {
        [
            "Name": .string(name), "Driver": "local", "Labels": JSONValue(labels), "Scope": "local",
            "Mountpoint": .string("/var/lib/docker/volumes/\(name)/_data"), "Options": [:],
        ]
    }
}

struct FakeNetwork: Sendable {
    let id: String
    let name: String
    let driver: String
    let labels: [String: String]
    var isPredefined = false

    static let predefined: [String: FakeNetwork] = Dictionary(
        uniqueKeysWithValues: [("bridge", "bridge"), ("host", "host"), ("none", "null")].map { name, driver in
            let id = Digest.sha256(of: Array("network \(name)".utf8)).hex
            return (id, FakeNetwork(id: id, name: name, driver: driver, labels: [:], isPredefined: true))
        }
    )

    var json: JSONValue {
        [
            "Id": .string(id), "Name": .string(name), "Driver": .string(driver), "Labels": JSONValue(labels),
            "Scope": "local",
        ]
    }
}

/// The names and labels in the bodies of both creations.
private struct CreateBody: Decodable {
    let name: String?
    let labels: [String: String]?

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case labels = "Labels"
    }
}

/// `/volumes/…`.
struct VolumeRoutes {
    let engine: FakeEngine

    func handle(_ call: EngineCall, _ rest: [String]) async throws -> Bool {
        switch (call.method, rest.count) {
        case (.GET, 0):
            let filters = try call.filters(knowing: ["label", "name", "dangling", "driver"])
            let rows = engine.volumes.value.values.sorted { $0.name < $1.name }
                .filter { LabelMatch.all(filters["label"] ?? [], of: $0.labels) }
            try await call.answer.json(.ok, ["Volumes": .array(rows.map(\.json)), "Warnings": nil])
        case (.POST, 1) where rest == ["create"]: try await create(call)
        case (.GET, 1): try await call.answer.json(.ok, find(rest[0]).json)
        case (.DELETE, 1): try await remove(call, rest[0])
        default: return false
        }
        return true
    }

    private func find(_ name: String) throws -> FakeVolume {
        guard let volume = engine.volumes.value[name] else {
            throw Refusal(.notFound, "get \(name): no such volume")
        }
        return volume
    }

    private func create(_ call: EngineCall) async throws {
        let body = try call.decode(CreateBody.self)
        let name = body.name.flatMap { $0.isEmpty ? nil : $0 } ?? UniqueName.make("volume")
        let (volume, isNew) = engine.volumes.change { volumes in
            if let known = volumes[name] { return (known, false) }
            let volume = FakeVolume(name: name, labels: body.labels ?? [:])
            volumes[name] = volume
            return (volume, true)
        }
        if isNew { engine.happened(FakeEvent("volume", "create", id: name, attributes: ["driver": "local"])) }
        try await call.answer.json(.created, volume.json)
    }

    private func remove(_ call: EngineCall, _ name: String) async throws {
        _ = try find(name)
        let user = engine.containers.value.values.first { container in
            container.request.mounts.contains { $0.type == "volume" && $0.source == name }
        }
        if let user {
            throw Refusal(.conflict, "remove \(name): volume is in use - [\(user.id)]")
        }
        engine.volumes.change { $0[name] = nil }
        engine.happened(FakeEvent("volume", "destroy", id: name, attributes: ["driver": "local"]))
        try await call.answer.empty()
    }
}

/// `/networks/…`.
struct NetworkRoutes {
    let engine: FakeEngine

    func handle(_ call: EngineCall, _ rest: [String]) async throws -> Bool {
        switch (call.method, rest.count) {
        case (.GET, 0):
            let filters = try call.filters(knowing: ["label", "name", "id", "driver", "type", "scope", "dangling"])
            let rows = engine.networks.value.values.sorted { $0.name < $1.name }
                .filter { LabelMatch.all(filters["label"] ?? [], of: $0.labels) }
            try await call.answer.json(.ok, .array(rows.map(\.json)))
        case (.POST, 1) where rest == ["create"]: try await create(call)
        case (.GET, 1): try await call.answer.json(.ok, find(rest[0]).json)
        case (.DELETE, 1): try await remove(call, rest[0])
        default: return false
        }
        return true
    }

    private func find(_ name: String) throws -> FakeNetwork {
        let networks = engine.networks.value
        guard let network = networks[name] ?? networks.values.first(where: { $0.name == name }) else {
            throw Refusal(.notFound, "network \(name) not found")
        }
        return network
    }

    private func create(_ call: EngineCall) async throws {
        let body = try call.decode(CreateBody.self)
        guard let name = body.name, !name.isEmpty else { throw Refusal(.badRequest, "network name is empty") }
        let id = Digest.sha256(of: Array(UniqueName.make(name).utf8)).hex
        let isNew = engine.networks.change { networks in
            guard !networks.values.contains(where: { $0.name == name }) else { return false }
            networks[id] = FakeNetwork(id: id, name: name, driver: "bridge", labels: body.labels ?? [:])
            return true
        }
        guard isNew else { throw Refusal(.conflict, "network with name \(name) already exists") }
        engine.happened(FakeEvent("network", "create", id: id, attributes: ["name": name, "type": "bridge"]))
        try await call.answer.json(.created, ["Id": .string(id), "Warning": ""])
    }

    private func remove(_ call: EngineCall, _ name: String) async throws {
        let network = try find(name)
        if network.isPredefined {
            throw Refusal(.forbidden, "\(network.name) is a pre-defined network and cannot be removed")
        }
        let user = engine.containers.value.values.first {
            $0.state.value.status == .running && [network.id, network.name].contains($0.request.networkMode)
        }
        if user != nil {
            throw Refusal(
                .forbidden,
                "error while removing network: network \(network.name) id \(network.id) has active endpoints"
            )
        }
        engine.networks.change { $0[network.id] = nil }
        engine.happened(
            FakeEvent("network", "destroy", id: network.id, attributes: ["name": network.name, "type": "bridge"])
        )
        try await call.answer.empty()
    }
}
