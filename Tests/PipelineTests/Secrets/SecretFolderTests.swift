import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Files of secrets", .enabled(if: SecretPlace.isInMemory("/dev/shm"), "there is no tmpfs at /dev/shm"))
struct SecretFolderTests {
    private let files = [("TOKEN", SecretValue(Array("value-1".utf8))), ("KEY", SecretValue([0, 255, 0, 255, 10]))]
        .map { (name: $0.0, value: $0.1) }

    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test("anyone in the container can read the files, and nobody else reaches them; all is gone afterwards")
    func life() async throws {
        try await MemoryFolder.with { memory in
            let place = try SecretPlace(environment: ["XDG_RUNTIME_DIR": memory])
            #expect(place.base == memory)
            let first = try SecretFolder(files, in: place, owner: .current)
            let second = try SecretFolder(files, in: place, owner: .current)
            #expect(first.path != second.path)
            #expect(try mode(place.root) == 0o700)
            #expect(try mode((first.path as NSString).deletingLastPathComponent) == 0o700)
            #expect(try mode(first.path) == 0o755)
            #expect(try mode(first.path + "/TOKEN") == 0o444)
            #expect(FileManager.default.contents(atPath: first.path + "/KEY") == Data([0, 255, 0, 255, 10]))
            try first.remove()
            try first.remove()
            #expect(FileManager.default.contents(atPath: second.path + "/TOKEN") == Data("value-1".utf8))
            try second.remove()
            #expect(try FileManager.default.contentsOfDirectory(atPath: memory) == [])
        }
    }

    @Test("a session's folder that is on a disk is passed over")
    func disk() async throws {
        try await TemporaryDirectory.with { folder in
            guard !SecretPlace.isInMemory(folder.path) else { return }
            for folder in [folder.path, "relative", ""] {
                let place = try SecretPlace(environment: ["XDG_RUNTIME_DIR": folder])
                #expect(place.base == "/dev/shm")
            }
        }
    }

    @Test("a link, a file or a folder that others can enter is never used in the place of the user's own")
    func hostile() async throws {
        try await MemoryFolder.with { memory in
            let place = SecretPlace(base: memory)
            let elsewhere = memory + "/elsewhere"
            try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
            func refused() {
                let error = SecretFolderError.notOwn(path: place.root)
                // Before a run begins, and again for each container.
                #expect(throws: error) { try SecretPlace(environment: ["XDG_RUNTIME_DIR": memory]) }
                #expect(throws: error) { try SecretFolder(files, in: place, owner: .current) }
            }
            try FileManager.default.createSymbolicLink(atPath: place.root, withDestinationPath: elsewhere)
            refused()
            try FileManager.default.removeItem(atPath: place.root)
            try Data().write(to: URL(filePath: place.root))
            refused()
            try FileManager.default.removeItem(atPath: place.root)
            #expect(mkdir(place.root, 0o700) == 0 && chmod(place.root, 0o750) == 0)
            refused()
            if geteuid() == 0 {
                #expect(chmod(place.root, 0o700) == 0 && chown(place.root, 1, 1) == 0)
                refused()
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere) == [])
        }
    }

    @Test("what a process left that has ended is removed, and what may be in use is kept")
    func reaped() async throws {
        try await MemoryFolder.with { memory in
            let environment = ["XDG_RUNTIME_DIR": memory]
            let place = SecretPlace(base: memory)
            let here = OwnerIdentity.current
            func owner(boot: String? = nil, pid: Int32? = nil, start: UInt64? = nil, namespace: UInt64? = nil)
                -> OwnerIdentity
            {
                OwnerIdentity(
                    bootID: boot ?? here.bootID,
                    pid: pid ?? here.pid,
                    startTime: start ?? here.startTime,
                    pidNamespace: namespace ?? here.pidNamespace
                )
            }
            let dead = [owner(start: here.startTime + 1), owner(boot: "another-boot")]
            let kept = [here, owner(namespace: here.pidNamespace + 1)]
            for owner in dead + kept { _ = try SecretFolder(files, in: place, owner: owner) }
            try FileManager.default.createDirectory(
                atPath: place.root + "/something",
                withIntermediateDirectories: false
            )
            let planned = SecretPlace.reap(environment: environment, dryRun: true).filter { $0.path.hasPrefix(memory) }
            #expect(Set(planned.map(\.owner)) == Set(dead))
            let removed = SecretPlace.reap(environment: environment).filter { $0.path.hasPrefix(memory) }
            #expect(Set(removed.map(\.owner)) == Set(dead))
            #expect(removed.allSatisfy { $0.problem == nil })
            let left = try FileManager.default.contentsOfDirectory(atPath: place.root)
            #expect(Set(left) == Set(kept.map(SecretPlace.name(of:)) + ["something"]))
        }
    }

    @Test("folders that are made and removed at once don't get in each other's way")
    func together() async throws {
        let memory = "/dev/shm/" + UniqueName.make("roost-test")
        try FileManager.default.createDirectory(atPath: memory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: memory) }
        let place = SecretPlace(base: memory)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<50 { try SecretFolder(files, in: place, owner: .current).remove() }
                }
            }
            try await group.waitForAll()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: memory) == [])
    }
}
