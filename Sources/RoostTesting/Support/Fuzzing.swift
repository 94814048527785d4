import Foundation

/// Runs one piece of work many times on random input, and names the seed of the round that failed.
package enum Fuzzing {
    /// A round failed; `ROOST_TEST_SEED` repeats exactly that round.
    package struct RoundFailed: Error, CustomStringConvertible {
        package let seed: UInt64
        package let cause: any Error

        package var description: String {
            "\(cause)\nRepeat this round alone with ROOST_TEST_SEED=\(seed)"
        }
    }

    /// Runs `body` once a round, each with a generator of its own.
    ///
    /// - Parameters:
    ///   - rounds: How many rounds; a single one where `ROOST_TEST_SEED` names the seed.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: The work; it fails by throwing.
    /// - Throws: ``RoundFailed`` with the seed.
    package static func run(
        rounds: Int,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (inout SplitMix64) async throws -> Void
    ) async throws {
        let fixed = ProcessInfo.processInfo.environment["ROOST_TEST_SEED"].flatMap(UInt64.init)
        var seeds = SplitMix64(seed: .random(in: .min ... .max))
        for _ in 0..<(fixed == nil ? rounds : 1) {
            var generator = SplitMix64(seed: fixed ?? seeds.next())
            do {
                try await body(&generator)
            } catch {
                throw RoundFailed(seed: generator.seed, cause: error)
            }
        }
    }
}
