import DockerEngine
import Foundation
import RoostCore
import RoostTesting
import Subprocess
import Testing

@Suite(
    "A run that is killed at a call to the engine",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(30))
)
struct KillAtEveryCallTests {
    @Test(
        "killed at calls taken at random: the next verb leaves nothing of it, and all of what lives beside it",
        arguments: KillBench.Company.allCases
    )
    func sample(company: KillBench.Company) async throws {
        try await KillBench.with(company) { bench in
            var random = SplitMix64(seed: Fuzzing.environmentSeed ?? .random(in: .min ... .max))
            let calls = try await bench.countCalls()
            // One from each part of a run: its begin, pulls, parking, releases, and clean-up.
            let parts = 4
            for part in 0..<parts {
                let range = calls * part / parts + 1...calls * (part + 1) / parts
                let number = Int.random(in: range, using: &random)
                let moment = KillBench.Moment.allCases[part % 2]
                try await bench.kill(at: number, moment, "ROOST_SOAK_SEED=\(random.seed)")
            }
        }
    }

    @Test(
        "killed at each call, before and after it reached the engine: the next verb leaves nothing",
        .enabled(if: ProcessInfo.processInfo.environment["ROOST_SOAK"] == "1", "runs in `make soak`"),
        arguments: KillBench.Company.allCases
    )
    func soakKillAtEveryCall(company: KillBench.Company) async throws {
        try await KillBench.with(company) { bench in
            for moment in KillBench.Moment.allCases {
                var number = 1
                while try await bench.kill(at: number, moment) { number += 1 }
                #expect(number > bench.fewestCalls)
            }
        }
    }
}
