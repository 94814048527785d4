import DockerEngine
import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution

/// `POST /containers/create`.
struct ContainerCreation {
    let engine: FakeEngine

    private struct Body: Decodable {
        let image: String?
        let entrypoint: [String]?
        let command: [String]?
        let environment: [String]?
        let labels: [String: String]?
        let user: String?
        let workingDirectory: String?
        let openStdin: Bool?
        let stdinOnce: Bool?
        let stopSignal: String?
        let host: Host?

        struct Host: Decodable {
            let memory: Int64?
            let networkMode: String?
            let mounts: [FakeEngine.ContainerRequest.Mount]?
            /// As the client wrote it.
            let all: [String: JSONValue]

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                memory = try container.decodeIfPresent(Int64.self, forKey: .memory)
                networkMode = try container.decodeIfPresent(String.self, forKey: .networkMode)
                mounts = try container.decodeIfPresent([FakeEngine.ContainerRequest.Mount].self, forKey: .mounts)
                all = try [String: JSONValue](from: decoder)
            }

            enum CodingKeys: String, CodingKey {
                case memory = "Memory"
                case networkMode = "NetworkMode"
                case mounts = "Mounts"
            }
        }

        enum CodingKeys: String, CodingKey {
            case image = "Image"
            case entrypoint = "Entrypoint"
            case command = "Cmd"
            case environment = "Env"
            case labels = "Labels"
            case user = "User"
            case workingDirectory = "WorkingDir"
            case openStdin = "OpenStdin"
            case stdinOnce = "StdinOnce"
            case stopSignal = "StopSignal"
            case host = "HostConfig"
        }
    }

    /// The engine refuses less: a container needs it to start.
    private static let leastMemory: Int64 = 6 << 20

    func handle(_ call: EngineCall) async throws {
        let body = try call.decode(Body.self)
        let name = call.request.queryValue("name") ?? UniqueName.make("container")
        guard Self.isValid(name) else {
            throw Refusal(
                .badRequest,
                "Invalid container name (\(name)), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
            )
        }
        guard let image = engine.images.value.find(body.image ?? "") else {
            throw Refusal(.notFound, "No such image: \(body.image ?? "")")
        }
        if let memory = body.host?.memory, memory != 0, memory < Self.leastMemory {
            throw Refusal(.badRequest, "Minimum memory limit allowed is 6MB")
        }
        let request = request(body, name: name, image: image.image)
        guard !request.arguments.isEmpty else { throw Refusal(.badRequest, "No command specified") }
        let container = FakeContainer(
            id: Digest.sha256(of: Array(UniqueName.make(name).utf8)).hex,
            created: engine.containers.value.count,
            request: request,
            choose: { [engine] in engine.program(for: $0) }
        )
        let owner = engine.containers.change { containers -> String? in
            if let other = containers.values.first(where: { $0.request.name == name }) { return other.id }
            containers[container.id] = container
            return nil
        }
        if let owner {
            throw Refusal(
                .conflict,
                "Conflict. The container name \"/\(name)\" is already in use by container \"\(owner)\". You have to "
                    + "remove (or rename) that container to be able to reuse that name."
            )
        }
        createVolumes(of: request)
        engine.happened(container.event("create"))
        try await call.answer.json(.created, ["Id": .string(container.id), "Warnings": []])
    }

    private func request(
        _ body: Body,
        name: String,
        image: FakeEngine.Image
    ) -> FakeEngine.ContainerRequest {
        // As Docker: an entry point of the client's own drops the image's command.
        let ignored = engine.ignoredSettings.value
        let entrypoint = body.entrypoint ?? image.entrypoint ?? []
        let command = body.command ?? (body.entrypoint == nil ? image.command : nil) ?? []
        return FakeEngine.ContainerRequest(
            name: name,
            image: body.image ?? "",
            imageID: image.id,
            arguments: entrypoint + command,
            environment: image.environment + (body.environment ?? []),
            labels: image.labels.merging(body.labels ?? [:]) { $1 },
            user: body.user ?? image.user,
            workingDirectory: body.workingDirectory ?? "",
            openStdin: body.openStdin ?? false,
            stdinOnce: body.stdinOnce ?? false,
            stopSignal: body.stopSignal ?? "TERM",
            memory: body.host?.memory ?? 0,
            networkMode: ignored.contains("NetworkMode") ? "default" : body.host?.networkMode ?? "default",
            mounts: ignored.contains("Mounts") ? [] : body.host?.mounts ?? [],
            host: (body.host?.all ?? [:]).filter { !ignored.contains($0.key) }
        )
    }

    private func createVolumes(of request: FakeEngine.ContainerRequest) {
        for mount in request.mounts where mount.type == "volume" {
            guard let source = mount.source else { continue }
            engine.volumes.change { volumes in
                if volumes[source] == nil { volumes[source] = FakeVolume(name: source, labels: [:]) }
            }
        }
    }

    private static func isValid(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, name.utf8.count > 1 else { return false }
        func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
        }
        return isAlphanumeric(first)
            && name.unicodeScalars.allSatisfy { isAlphanumeric($0) || "_.-".contains(Character($0)) }
    }
}
