import Doctor
import Foundation
import RoostTesting
import Testing

@Suite("The doctor at a real engine", .serialized)
struct DoctorTests {
    @Test(
        "a real engine is reachable, understood and judged",
        .enabled(if: TestEnvironment.hasEngine, "\(TestEnvironment.whySkipped)")
    )
    func realEngine() async throws {
        let address = try TestEnvironment.requireEngine()
        try await TemporaryDirectory.with { folder in
            var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("DOCKER_") }
            environment["DOCKER_CONFIG"] = folder.path
            environment["ROOST_HOME"] = folder.path
            let facts = try await FactReader(environment: environment, host: address, project: folder.url).read()
            let diagnosis = Diagnosis(facts)
            func verdict(_ id: Check.ID) -> Verdict? { diagnosis.checks.first { $0.id == id }?.verdict }

            guard case .answering(_, _, let engine) = facts.engine else {
                Issue.record("\(facts.engine)")
                return
            }
            #expect(engine.isHere)
            #expect(engine.clockOffset == .zero, "one machine has one clock")
            for id in [Check.ID.engine, .apiVersion, .place, .clock, .initProgram, .logins, .stateFolder, .logFolder] {
                #expect(verdict(id) == .ok, "\(id)")
            }
            // The disk is the machine's, and its room nobody's promise; that it was measured is what counts.
            #expect(verdict(.diskSpace) != nil && verdict(.diskInodes) != nil)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty, "nothing was written")
        }
    }
}
