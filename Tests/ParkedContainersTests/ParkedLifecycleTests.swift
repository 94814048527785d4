import Testing

@testable import ParkedContainers

@Suite("The life of a parked container")
struct ParkedLifecycleTests {
    struct Lost: Error {}

    static let events: [(name: String, event: ParkedLifecycle.Event)] = [
        ("start", .started), ("fail", .failed(.noShell(code: 127))), ("release", .releaseRequested),
        ("begin", .commandBegan), ("end", .outputEnded(remarks: "")), ("lose", .outputLost(Lost())),
        ("detach", .detachRequested), ("unsent", .notSent),
    ]

    /// What a command may have done by then, told from the events alone.
    private func expected(_ names: [String]) -> (sends: Int, end: String?) {
        var isStarted = false
        var isWanted = false
        var hasBegun = false
        var sends = 0
        for name in names {
            let isSent = isStarted && isWanted
            switch name {
            case "start": isStarted = true
            case "release": isWanted = true
            case "begin": hasBegun = hasBegun || isSent
            case "fail", "end", "lose", "detach":
                if hasBegun { return (sends, name == "end" ? "whole" : "cut") }
                if isSent { return (sends, "unclear") }
                return (sends, name == "detach" ? "discarded" : "notParkable")
            case "unsent" where isSent && !hasBegun: return (sends, "notParkable")
            default: break
            }
            if isStarted, isWanted { sends = 1 }
        }
        return (sends, nil)
    }

    @Test(
        "in every order of events the payload is sent once at most, and no command that may have run counts as parked"
    )
    func everyOrder() {
        var sequences: [[Int]] = [[]]
        for _ in 0..<6 {
            sequences = sequences.flatMap { sequence in Self.events.indices.map { sequence + [$0] } }
            for sequence in sequences {
                var lifecycle = ParkedLifecycle()
                var sends = 0
                var detaches = 0
                for index in sequence {
                    for action in lifecycle.handle(Self.events[index].event) {
                        if action == .send { sends += 1 } else { detaches += 1 }
                    }
                }
                let names = sequence.map { Self.events[$0].name }
                let (expectedSends, expectedEnd) = expected(names)
                let end: String? =
                    switch lifecycle.state {
                    case .over(.commandRan(true)): "whole"
                    case .over(.commandRan(false)): "cut"
                    case .over(.notParkable): "notParkable"
                    case .over(.discarded): "discarded"
                    case .over(.unclear): "unclear"
                    default: nil
                    }
                if sends != expectedSends || end != expectedEnd || detaches != (end == nil ? 0 : 1) {
                    Issue.record("\(names): \(sends) sent, \(detaches) detached, \(end ?? "not over")")
                    return
                }
            }
        }
    }

    @Test("a command counts as never begun only without a mark and with a code of the gate's or of a missing shell")
    func verdict() {
        for code in 0..<256 {
            #expect(GateVerdict(hasMark: true, exitCode: code) == .began)
            #expect(
                GateVerdict(hasMark: false, exitCode: code)
                    == ([125, 126, 127].contains(code) ? .neverBegan : .unknown)
            )
        }
        #expect(GateVerdict(hasMark: false, exitCode: nil) == .unknown)
    }
}
