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

    @Test("names differ")
    func uniqueNames() {
        #expect(Set((0..<1000).map { _ in UniqueName.make("x") }).count == 1000)
    }
}
