import DockerEngine
import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Doctor

@Suite("Reading the facts", .serialized)
struct FactReaderTests {
    /// Reads with an environment of the folder's own.
    private func read(
        _ folder: TemporaryDirectory,
        host: String? = nil,
        variables: [String: String] = [:],
        patience: FactReader.Patience = FactReader.Patience()
    ) async throws -> HostFacts {
        let own = [
            "DOCKER_HOST": "unix://\(folder.path("docker.sock"))", "DOCKER_CONFIG": folder.path,
            "ROOST_HOME": folder.path("roost"), "PATH": folder.path("bin"),
        ]
        return try await FactReader(
            environment: own.merging(variables) { _, new in new },
            host: host,
            project: folder.url,
            patience: patience
        ).read()
    }

    private func unusable(_ facts: HostFacts) throws -> EngineError {
        guard case .unusable(_, let error) = facts.engine else {
            throw EngineError.badConfiguration("the engine is not unusable: \(facts.engine)")
        }
        return error
    }

    @Test("no socket")
    func missing() async throws {
        try await TemporaryDirectory.with { folder in
            let facts = try await read(folder)
            guard case .socketMissing(folder.path("docker.sock")) = try unusable(facts) else {
                Issue.record("\(facts.engine)")
                return
            }
            #expect(facts.machine.engineVariables == ["DOCKER_HOST"])
        }
    }

    @Test("a socket that nobody listens on any more")
    func refused() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path("docker.sock")
            try StaleSocket.make(path)
            let facts = try await read(folder)
            guard case .connectionRefused = try unusable(facts) else {
                Issue.record("\(facts.engine)")
                return
            }
            #expect(facts.engine.place?.socket?.owner == NSUserName())
        }
    }

    @Test("an engine that never answers is waited for no longer than told", .timeLimit(.minutes(1)))
    func hanging() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path("docker.sock")
            try await HTTPTestServer.with(on: .unixSocket(path)) { _, answer in
                try await answer.hang()
            } body: { _ in
                let patience = FactReader.Patience(call: .milliseconds(200), total: .seconds(30))
                let facts = try await read(folder, patience: patience)
                guard case .timedOut(_, .milliseconds(200)) = try unusable(facts) else {
                    Issue.record("\(facts.engine)")
                    return
                }
            }
        }
    }

    @Test("an engine that answers ever so slowly is waited for no longer than told in all", .timeLimit(.minutes(1)))
    func slow() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path("docker.sock")
            try await HTTPTestServer.with(on: .unixSocket(path)) { request, answer in
                guard request.path.hasSuffix("/_ping") else { try await answer.hang() }
                try await EngineStub().answer(request, answer)
            } body: { _ in
                let patience = FactReader.Patience(call: .seconds(30), total: .milliseconds(300))
                let facts = try await read(folder, patience: patience)
                guard case .timedOut(_, .milliseconds(300)) = try unusable(facts) else {
                    Issue.record("\(facts.engine)")
                    return
                }
            }
        }
    }

    @Test("an examination's patience ends before fifteen seconds")
    func patience() {
        let patience = FactReader.Patience()
        #expect(patience.call < patience.total)
        #expect(patience.total + .seconds(2) < .seconds(15))
    }

    @Test("an engine that knows nothing of itself is silent")
    func silent() async throws {
        try await TemporaryDirectory.with { folder in
            try await EngineStub(info: nil).with(folder) {
                let facts = try await read(folder)
                guard case .silent(_, let identity, .status(_, 500, _)) = facts.engine else {
                    Issue.record("\(facts.engine)")
                    return
                }
                #expect(identity.version == "28.3.0")
            }
        }
    }

    @Test("an engine's facts are read, and its data root is measured here")
    func answering() async throws {
        try await TemporaryDirectory.with { folder in
            try folder.write("#!/bin/sh\n", to: "bin/my-init")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755],
                ofItemAtPath: folder.path("bin/my-init")
            )
            try await EngineStub(dataRoot: folder.path).with(folder) {
                let facts = try await read(folder)
                guard case .answering(_, let identity, let engine) = facts.engine else {
                    Issue.record("\(facts.engine)")
                    return
                }
                #expect(!identity.isPodman)
                #expect(identity.apiVersion == APIVersion(major: 1, minor: 51))
                #expect(engine.storageDriver == "vfs")
                #expect(engine.isRootless)
                #expect(engine.memoryLimit == true && engine.swapLimit == false)
                #expect(engine.mirrors == ["http://127.0.0.1:5000/"])
                #expect(engine.initProgram == InitProgram(name: "my-init", path: folder.path("bin/my-init")))
                #expect(try #require(engine.clockOffset) < .seconds(-1000))
                guard case .measured(let space) = engine.dataRootSpace else {
                    Issue.record("\(engine.dataRootSpace)")
                    return
                }
                #expect(space.total.bytes > 0 && space.free <= space.total)
            }
        }
    }

    @Test("a data root that is not here belongs to an engine elsewhere; Podman is known by its components")
    func elsewhere() async throws {
        try await TemporaryDirectory.with { folder in
            try await EngineStub(component: "Podman Engine", dataRoot: folder.path("none")).with(folder) {
                let facts = try await read(folder)
                guard case .answering(_, let identity, let engine) = facts.engine else {
                    Issue.record("\(facts.engine)")
                    return
                }
                #expect(identity.isPodman)
                #expect(engine.dataRootSpace == .elsewhere)
            }
        }
    }

    @Test("an address that none can be is a fact, not an error")
    func misconfigured() async throws {
        try await TemporaryDirectory.with { folder in
            let facts = try await read(folder, host: "ssh://somewhere")
            guard case .misconfigured(.badAddress) = facts.engine else {
                Issue.record("\(facts.engine)")
                return
            }
            #expect(facts.machine.hasHostOption)
        }
    }

    @Test("credential helpers are looked for in PATH")
    func helpers() async throws {
        try await TemporaryDirectory.with { folder in
            try folder.write("#!/bin/sh\n", to: "bin/docker-credential-here")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755],
                ofItemAtPath: folder.path("bin/docker-credential-here")
            )
            try folder.write("", to: "bin/docker-credential-plain")
            try folder.write(
                #"{"credsStore": "here", "credHelpers": {"a.io": "plain", "b.io": "gone", "c.io": "../here"}}"#,
                to: "config.json"
            )
            #expect(
                try await read(folder).logins
                    == .read(
                        path: folder.path("config.json"),
                        helpers: ["../here", "gone", "here", "plain"],
                        missing: ["../here", "gone", "plain"]
                    )
            )
            try folder.write("{", to: "config.json")
            guard case .damaged(folder.path("config.json"), _) = try await read(folder).logins else {
                Issue.record("a damaged file was read")
                return
            }
        }
    }

    @Test("a folder that does not exist yet is judged by the nearest one that does, and is not made")
    func folders() async throws {
        try await TemporaryDirectory.with { folder in
            let facts = try await read(folder)
            #expect(facts.stateFolder == FolderFacts(path: folder.path("roost/state")))
            #expect(facts.logFolder == FolderFacts(path: folder.path(".roost/runs")))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)

            try folder.write("", to: ".roost")
            let obstacle = FolderFacts.Obstacle(path: folder.path(".roost"), kind: .notAFolder)
            let blocked = try await read(folder)
            #expect(blocked.logFolder.obstacle == obstacle)
        }
    }
}
