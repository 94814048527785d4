import DockerEngine
import OCIDistribution
import ParkedContainers
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

/// One container that a step's supervision starts and watches through a relay, in this process.
@Suite(
    "How the exit of a step that was not parked is learnt",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct PlainStepExitTests {
    /// What a test does beside the supervision.
    private struct Watched: Sendable {
        /// To the engine itself, past the relay.
        let engine: EngineUnderTest
        let container: String
        let output: StepOutput
        /// Opens with the first line of the command's.
        let hasPrinted: Latch
        /// Opens when the command is known to have ended well.
        let hasPassed: Latch
    }

    /// Ends well when it is sent USR1, and says when it can be.
    private static let untilAsked = "trap 'exit 0' USR1; echo up; while :; do sleep 0.05; done"

    /// - Parameters:
    ///   - command: The step's.
    ///   - treat: What becomes of the supervision's calls.
    ///   - afterStart: Done when the container has started, before anything else is asked of it.
    ///   - beside: Done while it is supervised.
    /// - Returns: How it ended, whether its process was followed, and whether its good end was acted on.
    /// - Throws: What the engine, `afterStart` and `beside` throw.
    private func supervise(
        _ command: String,
        treat: @escaping @Sendable (String) -> EngineRelay.Treatment = { _ in .pass },
        afterStart: @escaping @Sendable (EngineUnderTest, String) async throws -> Void = { _, _ in },
        beside: @escaping @Sendable (Watched) async throws -> Void = { _ in }
    ) async throws -> (outcome: StepSupervision.Outcome, isFollowed: Bool, hasPassed: Bool) {
        let result = Shared<(outcome: StepSupervision.Outcome, isFollowed: Bool, hasPassed: Bool)?>(nil)
        try await EngineUnderTest.with(.real) { engine in
            let id = try await engine.client.createContainer(name: nil, engine.shellForm(command)).id
            try await EngineRelay.with(engine: try #require(TestEnvironment.engine), treat: treat) { relay in
                try await EngineClient.with(EngineEndpoint(parsing: relay.host)) { client in
                    let watched = Self.watched(engine, id)
                    let step = StepDefinition(
                        id: StepID(stage: "s", step: "a"),
                        image: try .init(parsing: "busybox"),
                        imageText: "busybox"
                    )
                    let supervision = StepSupervision(
                        engine: client,
                        container: id,
                        step: step,
                        interruption: Interruption(),
                        waitLimit: .seconds(600),
                        outputStall: .seconds(60),
                        exits: ExitWatch(),
                        onPassed: { watched.hasPassed.open() }
                    )
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { await watched.output.follow(.container(id), on: client) }
                        group.addTask { try await beside(watched) }
                        await watched.output.isReady.wait()
                        let outcome = try await supervision.run(
                            watched.output,
                            start: {
                                try await client.startContainer(id)
                                try await afterStart(engine, id)
                                return nil
                            },
                            tellStart: { watched.output.mayEmit.open() }
                        )
                        result.update { $0 = (outcome, watched.output.isFollowed.isOpen, watched.hasPassed.isOpen) }
                        try await group.waitForAll()
                    }
                }
            }
        }
        return try #require(result.value)
    }

    private static func watched(_ engine: EngineUnderTest, _ id: String) -> Watched {
        let hasPrinted = Latch()
        let output = StepOutput(id: StepID(stage: "s", step: "a"), attempt: 1, attempts: 1, mask: nil) {
            if case .stepLog = $0 { hasPrinted.open() }
        }
        return Watched(engine: engine, container: id, output: output, hasPrinted: hasPrinted, hasPassed: Latch())
    }

    @Test(
        "its process is followed from its start on, and its end acted on while the engine has not told it yet",
        .enabled(if: Integration.kernelTellsExits, "needs Linux 6.15")
    )
    func followed() async throws {
        let answer = Latch()
        let (outcome, isFollowed, hasPassed) = try await supervise(Self.untilAsked) {
            $0.contains("/wait?") ? .holdAnswer(answer) : .pass
        } beside: { watched in
            await watched.output.isFollowed.wait()
            await watched.hasPrinted.wait()
            try await watched.engine.client.killContainer(watched.container, signal: "USR1")
            await watched.hasPassed.wait()
            #expect(!watched.output.hasEnded.isOpen)
            answer.open()
        }
        #expect(isFollowed && hasPassed)
        #expect(outcome.kernelCode == 0)
        #expect(outcome.end == .exited(code: 0))
    }

    @Test("where it has ended before the engine is asked for its process, the engine's word counts", arguments: [0, 3])
    func endedBeforeAsked(code: Int) async throws {
        let (outcome, isFollowed, hasPassed) = try await supervise(
            "exit \(code)",
            afterStart: { engine, container in
                let ended = try await engine.wait(container)
                #expect(ended == code)
            }
        )
        #expect(!isFollowed)
        #expect(outcome.kernelCode == nil)
        #expect(outcome.end == .exited(code: code))
        #expect(hasPassed == (code == 0))
    }

    @Test("where it ends while the engine tells its process, the engine's word counts")
    func endedBeforeOpened() async throws {
        let isAsked = Latch()
        let answer = Latch()
        let (outcome, isFollowed, hasPassed) = try await supervise(Self.untilAsked) { line in
            guard line.hasPrefix("GET"), line.contains("/json"), !isAsked.isOpen else { return .pass }
            isAsked.open()
            return .holdAnswer(answer)
        } beside: { watched in
            await isAsked.wait()
            await watched.hasPrinted.wait()
            try await watched.engine.client.killContainer(watched.container, signal: "USR1")
            _ = try await watched.engine.wait(watched.container)
            answer.open()
        }
        #expect(!isFollowed)
        #expect(outcome.kernelCode == nil)
        #expect(outcome.end == .exited(code: 0))
        #expect(hasPassed)
    }
}
