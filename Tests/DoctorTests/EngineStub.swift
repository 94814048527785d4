import Foundation
import NIOHTTP1
import RoostTesting

/// An engine that answers what an examination asks, and nothing else.
struct EngineStub: Sendable {
    var component = "Engine"
    var dataRoot = "/var/lib/docker"
    /// `GET /info`; 500 where it is nil.
    var info: String?

    init(component: String = "Engine", dataRoot: String = "/nowhere") {
        self.component = component
        self.dataRoot = dataRoot
        info = """
            {
              "ID": "x", "ServerVersion": "28.3.0", "Driver": "vfs", "CgroupDriver": "cgroupfs", "CgroupVersion": "1",
              "MemTotal": 1, "NCPU": 1, "OperatingSystem": "Linux", "OSType": "linux", "Architecture": "x86_64",
              "DockerRootDir": "\(dataRoot)", "MemoryLimit": true, "SwapLimit": false, "InitBinary": "my-init",
              "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"],
              "RegistryConfig": {"Mirrors": ["http://127.0.0.1:5000/"]},
              "SystemTime": "2020-01-01T00:00:00.123456789Z"
            }
            """
    }

    init(info: String?) {
        self.init()
        self.info = info
    }

    /// Listens at the folder's `docker.sock` while `body` runs.
    func with(_ folder: TemporaryDirectory, _ body: () async throws -> Void) async throws {
        try await HTTPTestServer.with(on: .unixSocket(folder.path("docker.sock"))) { request, answer in
            try await self.answer(request, answer)
        } body: { _ in
            try await body()
        }
    }

    func answer(_ request: HTTPTestRequest, _ answer: HTTPTestResponder) async throws {
        switch request.components.last {
        case "_ping":
            try await answer.respond(.ok, headers: ["Api-Version": "1.51", "Ostype": "linux"], text: "OK")
        case "version":
            let version = """
                {"Version": "28.3.0", "ApiVersion": "1.51", "MinAPIVersion": "1.24", "Components": [{"Name": "\(component)"}]}
                """
            try await answer.respond(.ok, text: version)
        case "info":
            if let info {
                try await answer.respond(.ok, text: info)
            } else {
                try await answer.respond(.internalServerError, text: #"{"message": "no"}"#)
            }
        default: try await answer.respond(.notFound, text: #"{"message": "page not found"}"#)
        }
    }
}
