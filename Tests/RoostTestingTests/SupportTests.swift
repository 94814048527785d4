import Foundation
import RoostTesting
import Testing

@Suite("Support for tests")
struct SupportTests {
    @Test("the generator gives the sequence that its authors published")
    func splitMix() {
        var generator = SplitMix64(seed: 1_234_567)
        let expected: [UInt64] = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        #expect((0..<3).map { _ in generator.next() } == expected)
    }

    @Test("a failing round names its seed, and the seed repeats it")
    func fuzzing() async throws {
        struct Found: Error {}
        var inputs: [UInt64] = []
        let error = await #expect(throws: Fuzzing.RoundFailed.self) {
            try await Fuzzing.run(rounds: 100, seed: 99) { generator in
                inputs.append(generator.next())
                if inputs.count == 5 { throw Found() }
            }
        }
        #expect(error?.round == 5)
        #expect(error?.description.contains("ROOST_SOAK_SEED=99") == true)
        var again: [UInt64] = []
        try await Fuzzing.run(rounds: 5, seed: 99) { again.append($0.next()) }
        #expect(again == inputs)
    }

    @Test("a temporary folder is gone afterwards, with all that is in it, also after a failure")
    func temporaryDirectory() async throws {
        struct Failed: Error {}
        var path = ""
        await #expect(throws: Failed.self) {
            try await TemporaryDirectory.with { directory in
                path = directory.path
                try directory.write("x", to: "a/b/c")
                #expect(FileManager.default.fileExists(atPath: directory.path("a/b/c")))
                throw Failed()
            }
        }
        #expect(!path.isEmpty && !FileManager.default.fileExists(atPath: path))
    }

    @Test("a temporary folder goes though others take files away and write new ones meanwhile, and is closed in part")
    func busyTemporaryDirectory() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let isBusy = Gate()
            let path = try await TemporaryDirectory.with { directory in
                try directory.write("x", to: "closed/file")
                #expect(chmod(directory.path("closed"), 0o500) == 0)
                try directory.write("x", to: "busy/first")
                // A name that is no UTF-8.
                #expect(mkdir(directory.path.utf8CString.dropLast() + [CChar(bitPattern: 0x2F), -1, 0], 0o700) == 0)
                group.addTask {
                    // Until there is no folder to write in any more.
                    for number in 0..<20_000 {
                        let file = directory.path("busy/\(number)")
                        let descriptor = open(file, O_CREAT | O_WRONLY, 0o600)
                        guard descriptor >= 0 else { break }
                        close(descriptor)
                        if number.isMultiple(of: 2) { unlink(file) }
                        if number == 50 { isBusy.open() }
                    }
                    isBusy.open()
                }
                try await isBusy.wait()
                return directory.path
            }
            #expect(!FileManager.default.fileExists(atPath: path))
            try await group.waitForAll()
        }
    }

    @Test(
        "a temporary folder that can't be removed says what is in the way, and who uses it",
        .enabled(if: TestMount.isPossible, "takes root")
    )
    func immovableTemporaryDirectory() async throws {
        try await TemporaryDirectory.with { outer in
            try FileManager.default.createDirectory(atPath: outer.path("a/place"), withIntermediateDirectories: true)
            let place = outer.path("a/place")
            try await TestMount.with(["-t", "tmpfs", "none"], on: place) {
                let user = open(place, O_RDONLY)
                defer { close(user) }
                let failure = #expect(throws: FolderRemoval.Failed.self) { try FolderRemoval.remove(outer.path("a")) }
                let text = failure?.description ?? ""
                #expect(text.contains("\(place): Device or resource busy"))
                #expect(text.contains("mounted there: \(place)"))
                #expect(text.contains("process \(getpid()) ("))
            }
        }
    }

    @Test("names differ")
    func uniqueNames() {
        #expect(Set((0..<1000).map { _ in UniqueName.make("x") }).count == 1000)
    }
}
