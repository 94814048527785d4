import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Who uses a workspace", .timeLimit(.minutes(1)))
struct WorkspaceUseTests {
    @Test("runs use it side by side, a wipe alone, and a wipe that is refused leaves a run its use")
    func uses() async throws {
        try await WorkspaceFixture.with { fixture in
            let stop = Latch()
            let one = try WorkspaceUse(fixture.workspace)
            do {
                let two = try WorkspaceUse(fixture.workspace)
                await one.share(until: stop)
                await two.share(until: stop)
                await #expect(throws: WorkspaceInUse.self) { try await two.takeAlone(until: stop) }
                await #expect(throws: WorkspaceInUse.self) { try await one.takeAlone(until: stop) }
            }
            try await one.takeAlone(until: stop)
            let three = try WorkspaceUse(fixture.workspace)
            let hasShared = Latch()
            async let sharing: Void = {
                await three.share(until: stop)
                hasShared.open()
            }()
            #expect(!hasShared.isOpen)
            await one.share(until: stop)
            await sharing
            await #expect(throws: WorkspaceInUse.self) { try await one.takeAlone(until: stop) }
        }
    }
}
