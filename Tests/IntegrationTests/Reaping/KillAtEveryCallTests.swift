import Foundation
import RoostCore
import RoostTesting
import Subprocess
import Testing

@Suite(
    "A run that is killed at a call to the engine",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(15))
)
struct KillAtEveryCallTests {
    @Test("killed at every fifth call: the next verb leaves nothing")
    func everyFifthCall() async throws {
        try await killAtCalls(stride: 5, moments: [.before, .after])
    }

    @Test(
        "killed at each call, before and after it reached the engine: the next verb leaves nothing",
        .enabled(if: ProcessInfo.processInfo.environment["ROOST_SOAK"] == "1", "runs in `make soak`")
    )
    func soakKillAtEveryCall() async throws {
        for moment in KillingProxy.Moment.allCases { try await killAtCalls(stride: 1, moments: [moment]) }
    }

    /// - Parameters:
    ///   - stride: From one call at which a run is killed to the next.
    ///   - moments: Taken in turn.
    /// - Throws: What keeps the runs from being started.
    private func killAtCalls(stride: Int, moments: [KillingProxy.Moment]) async throws {
        let image = try await Published.busybox("kill")
        try await RoostSandbox.with { sandbox in
            let engine = try #require(TestEnvironment.engine).replacing("unix://", with: "")
            try sandbox.write(
                "stages_order = ['s', 't']\n" + step("s/x", image, "echo one") + step("t/y", image, "echo two"),
                to: "roost.toml"
            )
            var number = 1
            var finished = false
            while !finished {
                let moment = moments[number % moments.count]
                finished = try await killOnce(sandbox, engine: engine, at: number, moment)
                if FileManager.default.fileExists(atPath: try sandbox.stateFolder.path(percentEncoded: false)) {
                    let next = try await sandbox.roost(["reap"])
                    #expect(next.exitCode == 0, "call \(number), \(moment): \(next.standardError)")
                }
                let left = try await sandbox.existingLeftovers()
                #expect(left == 0, "call \(number), \(moment)")
                number += stride
            }
            // A run of two steps makes a few dozen calls: the loop has seen them.
            #expect(number > 20)
            let unfinished = try await sandbox.journal().unfinishedRuns()
            #expect(unfinished.isEmpty)
        }
    }

    /// - Returns: Whether the run came to its end: it makes fewer calls than that.
    private func killOnce(
        _ sandbox: RoostSandbox,
        engine: String,
        at number: Int,
        _ moment: KillingProxy.Moment
    ) async throws -> Bool {
        let target = Shared<RoostProcess?>(nil)
        let ended = Shared<RoostProcess.Outcome?>(nil)
        try await KillingProxy.with(
            engine: engine,
            at: number,
            moment,
            act: { try? target.value?.send(.kill) },
            { proxy in
                let outcome = try await sandbox.roost(["run"], environment: ["DOCKER_HOST": proxy.host]) { process in
                    target.update { $0 = process }
                }
                ended.update { $0 = outcome }
            }
        )
        let outcome = try #require(ended.value)
        #expect(outcome.signal == 9 || outcome.exitCode == 0, "\(outcome.standardError)")
        return outcome.exitCode == 0
    }
}

extension RoostSandbox {
    /// What is left on the engine; nothing where no run came far enough to make an installation's id.
    func existingLeftovers() async throws -> Int {
        let file = try stateFolder.appending(path: "installation").path(percentEncoded: false)
        return FileManager.default.fileExists(atPath: file) ? try await leftovers().count : 0
    }
}
