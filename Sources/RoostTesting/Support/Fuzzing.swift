import Foundation

/// Runs one piece of work many times on random input, and names the seed when a round fails.
package enum Fuzzing {
    /// A round failed; `ROOST_SOAK_SEED` makes a run go through the same rounds again.
    package struct RoundFailed: Error, CustomStringConvertible {
        package let seed: UInt64
        /// Counted from 1.
        package let round: Int
        package let cause: any Error

        package var description: String {
            "round \(round) failed: \(cause)\nTo repeat: ROOST_SOAK_SEED=\(seed)"
        }
    }

    /// How many rounds a test has at most where it is one of many; `make soak` runs them all, and goes on for a while.
    private static let usualRounds = 500

    /// For how long at least each test goes on under `make soak`, which shares its time among about a dozen of them.
    private static let soakShare: Duration? = {
        let environment = ProcessInfo.processInfo.environment
        guard environment["ROOST_SOAK"] == "1" else { return nil }
        return .seconds((environment["ROOST_SOAK_SECONDS"].flatMap(Int.init) ?? 600) / 12)
    }()

    /// Runs `body` once a round, each with a generator of its own.
    ///
    /// - Parameters:
    ///   - rounds: How many rounds under `make soak`; elsewhere at most 500.
    ///   - seed: Decides every round's input; `ROOST_SOAK_SEED`, else a random one.
    ///   - isolation: The caller's isolation, which `body` keeps.
    ///   - body: The work; it fails by throwing.
    /// - Throws: ``RoundFailed`` with the seed.
    package static func run(
        rounds: Int,
        seed: UInt64 = Fuzzing.environmentSeed ?? .random(in: .min ... .max),
        isolation: isolated (any Actor)? = #isolation,
        _ body: (inout SplitMix64) async throws -> Void
    ) async throws {
        var seeds = SplitMix64(seed: seed)
        let start = ContinuousClock.now
        var round = 0
        while round < max(rounds, 1) || soakShare.map({ ContinuousClock.now - start < $0 }) ?? false {
            if soakShare == nil, round == usualRounds { break }
            round += 1
            // Rounds that never wait would keep a thread from all other tests.
            if round.isMultiple(of: 16) { await Task.yield() }
            var generator = SplitMix64(seed: seeds.next())
            do {
                try await body(&generator)
            } catch {
                throw RoundFailed(seed: seed, round: round, cause: error)
            }
        }
    }

    /// The seed that `make soak` prints and takes.
    package static let environmentSeed = ProcessInfo.processInfo.environment["ROOST_SOAK_SEED"].flatMap(UInt64.init)
}
