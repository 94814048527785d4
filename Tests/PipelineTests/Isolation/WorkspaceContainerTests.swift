import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import DockerEngine
@testable import Pipeline

@Suite("What a container for the workspace may do")
struct WorkspaceContainerTests {
    @Test(
        "it has just the capabilities of its work, no network, can gain no others, and is looked at like a step's",
        arguments: [
            (WorkspaceContainer.Work.remove, "[\"DAC_OVERRIDE\",\"FOWNER\"]"),
            (.give(.folder), "[\"CHOWN\",\"DAC_OVERRIDE\"]"),
            (.giveFolders(.numbers(FileOwner(user: 1, group: 1))), "[\"CHOWN\",\"DAC_OVERRIDE\"]"),
        ]
    )
    func rights(work: WorkspaceContainer.Work, capabilities: String) async throws {
        try await FakeEngine.with { fake in
            let image = FakeEngine.Image("img")
            try fake.add(image, as: "img:1")
            let seen = Shared<[FakeEngine.ContainerRequest]>([])
            fake.run { request in
                seen.update { $0.append(request) }
                return nil
            }
            try await TemporaryDirectory.with { folder in
                try await EngineClient.with(fake.endpoint) { engine in
                    let container = WorkspaceContainer(
                        engine: engine,
                        installation: try Installation.load(from: folder.url.appending(path: "state")),
                        runID: .next(),
                        projectFolder: folder.path,
                        fileName: "roost.toml",
                        interruption: Interruption(),
                        images: { [image.id] }
                    )
                    try await container.perform(work, on: [WorkspacePath("file")])
                    let request = try #require(seen.value.first)
                    #expect(request.setting("CapDrop") == "[\"ALL\"]")
                    #expect(request.setting("CapAdd") == capabilities)
                    #expect(request.setting("SecurityOpt") == "[\"no-new-privileges\"]")
                    #expect(request.setting("PidsLimit") == "64")
                    #expect(request.networkMode == "none")

                    fake.ignore("CapDrop")
                    await #expect(throws: WorkspaceContainer.Failure.self) {
                        try await container.perform(work, on: [WorkspacePath("file")])
                    }
                    #expect(fake.containerNames.isEmpty)
                }
            }
        }
    }
}
