import OCIDistribution
import ParkedContainers
import Testing

@testable import Pipeline

@Suite("A step's end by two words: the kernel's and the engine's")
struct KernelsWordTests {
    private struct Lost: Error {}

    private func step() throws -> StepDefinition {
        StepDefinition(id: StepID(stage: "a", step: "x"), image: try .init(parsing: "alpine"), imageText: "alpine")
    }

    private func verdict(
        _ end: ContainerEnd,
        kernel: Int?,
        _ endedBy: StepLifecycle.EndedBy? = nil,
        oom: Bool = false
    ) throws -> StepVerdict {
        StepVerdict(end: end, kernelCode: kernel, endedBy: endedBy, wasOOMKilled: oom, step: try step())
    }

    @Test("where kernel and engine agree, or the kernel says nothing, the engine's code decides", arguments: 0...255)
    func agreement(code: Int) throws {
        for kernel in [code, nil] {
            let verdict = try verdict(.exited(code: code), kernel: kernel)
            #expect(verdict.status == (code == 0 ? .succeeded : .failed))
            #expect(verdict.exitCode == code && verdict.warning == nil)
            let killed = try self.verdict(.exited(code: code), kernel: kernel, oom: true)
            #expect(killed.status == (code == 0 ? .succeeded : .oomKilled))
        }
    }

    @Test("where they disagree it is an infrastructure error, whoever of them says that all is well")
    func disagreement() throws {
        for (engine, kernel) in [(0, 1), (1, 0), (0, 137), (137, 0), (143, 137), (3, 4)] {
            for oom in [false, true] {
                let verdict = try verdict(.exited(code: engine), kernel: kernel, oom: oom)
                #expect(verdict.status == .infrastructureError, "\(engine) \(kernel)")
                #expect(verdict.reason?.contains("\(engine)") == true && verdict.reason?.contains("\(kernel)") == true)
            }
        }
    }

    @Test("what Roost ended, what the engine lost and what others removed is that, whatever the kernel says")
    func otherEnds() throws {
        for kernel in [nil, 0, 1, 137] {
            #expect(try verdict(.exited(code: 0), kernel: kernel, .timeout).status == .timedOut)
            #expect(try verdict(.exited(code: 0), kernel: kernel, .interruption).status == .cancelled)
            #expect(try verdict(.engineLost("gone"), kernel: kernel).status == .infrastructureError)
            #expect(try verdict(.removed, kernel: kernel).status == .infrastructureError)
        }
    }

    private func outcome(
        _ end: ContainerEnd,
        _ endedBy: StepLifecycle.EndedBy? = nil,
        kernel: Int? = nil
    ) -> StepSupervision.Outcome {
        StepSupervision.Outcome(end: end, endedBy: endedBy, endedAt: .now, memory: .init(), kernelCode: kernel)
    }

    @Test("a released command counts as never begun only where nothing was sent, or its log lacks the mark")
    func begun() {
        let exited = outcome(.exited(code: 125))
        for mark in [nil, false, true] as [Bool?] {
            #expect(StepRunner.verdict(.commandRan(isOutputWhole: false), exited, hasMark: mark) == .began)
            #expect(StepRunner.verdict(.notParkable(.connectionLost(Lost())), exited, hasMark: mark) == .neverBegan)
            // Whoever ended it, or lost it: that is how it ended.
            for known in [
                outcome(.exited(code: 125), .timeout), outcome(.exited(code: 143), .interruption), outcome(.removed),
                outcome(.engineLost("gone")), outcome(.exited(code: 0), kernel: 0),
            ] {
                #expect(StepRunner.verdict(.unclear, known, hasMark: mark) == .began)
            }
        }
        for code in 0...255 {
            let exited = outcome(.exited(code: code))
            #expect(StepRunner.verdict(.unclear, exited, hasMark: true) == .began)
            #expect(StepRunner.verdict(.unclear, exited, hasMark: nil) == .unknown)
            #expect(
                StepRunner.verdict(.unclear, exited, hasMark: false)
                    == ([125, 126, 127].contains(code) ? .neverBegan : .unknown)
            )
        }
    }
}
