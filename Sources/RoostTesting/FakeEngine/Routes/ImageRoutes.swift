import DockerEngine
import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution

/// `/images/…`.
struct ImageRoutes {
    let engine: FakeEngine

    func handle(_ call: EngineCall, _ rest: [String]) async throws -> Bool {
        switch (call.method, rest.count, rest.last) {
        case (.GET, 1, "json"): try await list(call)
        case (.POST, 1, "create"): try await PullRoute(engine: engine).handle(call)
        case (.GET, 2..., "json"): try await inspect(call, name(rest.dropLast()))
        case (.POST, 2..., "tag"): try await tag(call, name(rest.dropLast()))
        case (.DELETE, 1..., _): try await remove(call, name(rest[...]))
        default: return false
        }
        return true
    }

    /// Docker's own client sends a name's slashes unencoded.
    private func name(_ components: ArraySlice<String>) -> String { components.joined(separator: "/") }

    private func find(_ name: String) throws -> ImageBook.Entry {
        guard let entry = engine.images.value.find(name) else { throw Refusal(.notFound, "No such image: \(name)") }
        return entry
    }

    private func list(_ call: EngineCall) async throws {
        let filters = try call.filters(knowing: ["label", "reference", "dangling", "before", "since", "until"])
        let rows = engine.images.value.all.filter { LabelMatch.all(filters["label"] ?? [], of: $0.image.labels) }
        try await call.answer.json(.ok, .array(rows.map(row)))
    }

    private func row(_ entry: ImageBook.Entry) -> JSONValue {
        [
            "Id": .string(entry.image.id),
            "RepoTags": JSONValue(entry.tags.isEmpty && entry.digests.isEmpty ? ["<none>:<none>"] : entry.tags),
            "RepoDigests": JSONValue(entry.digests),
            "Created": JSONValue(entry.created),
            "Size": .integer(entry.image.size),
            "Labels": JSONValue(entry.image.labels),
        ]
    }

    private func inspect(_ call: EngineCall, _ name: String) async throws {
        let entry = try find(name)
        let image = entry.image
        try await call.answer.json(
            .ok,
            [
                "Id": .string(image.id),
                "RepoTags": JSONValue(entry.tags),
                "RepoDigests": JSONValue(entry.digests),
                "Architecture": .string(image.architecture),
                "Variant": JSONValue(image.variant),
                "Os": "linux",
                "Size": .integer(image.size),
                "Config": [
                    "User": .string(image.user),
                    "Entrypoint": JSONValue(image.entrypoint),
                    "Cmd": JSONValue(image.command),
                    "Env": JSONValue(image.environment),
                    "Labels": JSONValue(image.labels),
                ],
                "RootFS": ["Type": "layers", "Layers": JSONValue(image.layers.map(\.diffID))],
            ]
        )
    }

    private func tag(_ call: EngineCall, _ name: String) async throws {
        let entry = try find(name)
        let tag = call.request.queryValue("tag").map { ":\($0)" } ?? ""
        guard let reference = try? ImageReference(parsing: (call.request.queryValue("repo") ?? "") + tag) else {
            throw Refusal(.badRequest, "invalid reference format")
        }
        engine.images.change { $0.add(entry.image, as: reference) }
        engine.happened(FakeEvent("image", "tag", id: entry.image.id, attributes: ["name": reference.familiar]))
        try await call.answer.empty(.created)
    }

    private func remove(_ call: EngineCall, _ name: String) async throws {
        let entry = try find(name)
        let id = entry.image.id
        let isByID = entry.image.id == name || entry.image.id.dropFirst(7).hasPrefix(name)
        let force = call.flag("force")
        let users = engine.containers.value.values.filter { $0.request.imageID == id }
        let untagged: [String]
        if isByID {
            untagged = entry.tags + entry.digests
            if entry.tags.count > 1, !force {
                throw Refusal(
                    .conflict,
                    "conflict: unable to delete \(name) (must be forced) - image is referenced in multiple repositories"
                )
            }
        } else {
            untagged = names(toRemove: name, from: entry)
        }
        let isLast = Set(entry.tags).subtracting(untagged).isEmpty
        let inUse = users.first { isByID || !force || $0.state.value.status == .running }
        if isLast, let user = inUse, !force || (isByID && user.state.value.status == .running) {
            let what = isByID ? "delete \(name)" : "remove repository reference \"\(name)\""
            throw Refusal(
                .conflict,
                "conflict: unable to \(what) (must force) - container \(user.id.prefix(12)) is using its referenced image"
            )
        }
        let isDeleted = isLast && (users.isEmpty || isByID)
        engine.images.change { book in
            for name in untagged {
                book.removeTag(name, from: id)
                book.removeDigest(name, from: id)
            }
            if isDeleted { book.remove(id) }
        }
        var rows: [JSONValue] = untagged.map { ["Untagged": .string($0)] }
        for _ in untagged { engine.happened(FakeEvent("image", "untag", id: id)) }
        if isDeleted {
            engine.happened(FakeEvent("image", "delete", id: id))
            rows.append(["Deleted": .string(id)])
            rows += entry.image.layers.reversed().map { ["Deleted": .string($0.diffID)] }
        }
        try await call.answer.json(.ok, .array(rows))
    }

    /// A tag takes the repository's digests with it where it is the last of its repository.
    private func names(toRemove name: String, from entry: ImageBook.Entry) -> [String] {
        guard let reference = try? ImageReference(parsing: name) else { return [] }
        if let digest = reference.digest { return ["\(reference.name)@\(digest)"] }
        let tag = "\(reference.name):\(reference.tag ?? "latest")"
        let others = entry.tags.contains { $0 != tag && (try? ImageReference(parsing: $0))?.name == reference.name }
        return [tag] + (others ? [] : entry.digests.filter { $0.hasPrefix(reference.name + "@") })
    }
}
