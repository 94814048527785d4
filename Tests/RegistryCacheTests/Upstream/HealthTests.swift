import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The circuit breaker of an upstream")
struct CircuitBreakerTests {
    let start = ContinuousClock.now
    let limits = CircuitBreaker.Limits(failures: 3, rest: .seconds(5), longestRest: .seconds(15))

    /// A breaker that has just opened.
    private func opened() -> CircuitBreaker {
        var breaker = CircuitBreaker(limits: limits)
        for _ in 0..<3 { breaker.report(.failed, of: breaker.admit(at: start), at: start) }
        return breaker
    }

    @Test("it opens after so many failures in a row, and an answer between them counts them anew")
    func opens() {
        var breaker = CircuitBreaker(limits: limits)
        for outcome in [CircuitBreaker.Outcome.failed, .failed, .answered, .failed, .failed] {
            #expect(breaker.admit(at: start) == .pass)
            breaker.report(outcome, of: .pass, at: start)
        }
        breaker.report(.unknown, of: .pass, at: start)
        #expect(breaker.state == .closed(failures: 2))
        breaker.report(.failed, of: .pass, at: start)
        #expect(breaker.admit(at: start + .seconds(4)) == .resting(.seconds(1)))
    }

    @Test("after its rest one request alone is let through")
    func probe() {
        var breaker = opened()
        let later = start + .seconds(5)
        #expect(breaker.admit(at: later) == .probe(1))
        for _ in 0..<3 { #expect(breaker.admit(at: later) == .resting(.seconds(5))) }
        breaker.report(.answered, of: .probe(1), at: later)
        #expect(breaker.admit(at: later) == .pass)
    }

    @Test("a probe that fails makes the rest twice as long, up to a bound")
    func longerRests() {
        var breaker = opened()
        var now = start + .seconds(5)
        for (probe, rest) in [(1, 10), (2, 15), (3, 15)] {
            #expect(breaker.admit(at: now) == .probe(probe))
            breaker.report(.failed, of: .probe(probe), at: now)
            #expect(breaker.admit(at: now) == .resting(.seconds(rest)))
            now += .seconds(rest)
        }
    }

    @Test("a probe that nobody waited for leaves the next one to find out")
    func cancelledProbe() {
        var breaker = opened()
        let later = start + .seconds(5)
        _ = breaker.admit(at: later)
        breaker.report(.unknown, of: .probe(1), at: later)
        #expect(breaker.admit(at: later) == .probe(2))
        // The first one's late word is not the second one's.
        breaker.report(.failed, of: .probe(1), at: later)
        breaker.report(.unknown, of: .probe(1), at: later)
        #expect(breaker.state == .halfOpen(probe: 2, rest: .seconds(5)))
    }

    @Test("late words of requests from before are of no news, but an answer is")
    func lateReports() {
        var breaker = opened()
        let state = breaker.state
        breaker.report(.failed, of: .pass, at: start)
        breaker.report(.unknown, of: .pass, at: start)
        #expect(breaker.state == state)
        breaker.report(.answered, of: .pass, at: start)
        #expect(breaker.state == .closed(failures: 0))
    }

    @Test("in every state each outcome leads to a state of sound numbers, and at most one probe is out")
    func walk() async throws {
        try await Fuzzing.run(rounds: 500) { generator in
            var breaker = CircuitBreaker(limits: limits)
            var now = start
            var under: [CircuitBreaker.Admission] = []
            for _ in 0..<60 {
                now += .seconds(Int.random(in: 0...6, using: &generator))
                let admission = breaker.admit(at: now)
                switch admission {
                case .pass, .probe: under.append(admission)
                case .resting(let rest): try Finding.require(rest > .zero && rest <= .seconds(15), "rests \(rest)")
                }
                if case .halfOpen(let probe, _) = breaker.state {
                    try Finding.require(under.contains(.probe(probe)), "waits for probe \(probe), which is not out")
                }
                if Bool.random(using: &generator), let index = under.indices.randomElement(using: &generator) {
                    let outcome = CircuitBreaker.Outcome.allCases.randomElement(using: &generator) ?? .failed
                    breaker.report(outcome, of: under.remove(at: index), at: now)
                }
                if case .closed(let failures) = breaker.state {
                    try Finding.require((0..<3).contains(failures), "closed with \(failures) failures")
                }
            }
        }
    }
}

/// A round of fuzzing found something.
struct Finding: Error, CustomStringConvertible {
    let description: String

    static func require(_ condition: Bool, _ finding: @autoclosure () -> String) throws {
        if !condition { throw Finding(description: finding()) }
    }
}

@Suite("Waiting before an upstream is asked again")
struct BackoffTests {
    let backoff = Backoff(attempts: 4, base: .seconds(1), longest: .seconds(3))

    @Test("waits grow up to a bound, between a half and the whole of it")
    func grows() {
        func wait(_ attempt: Int, _ jitter: Double) -> Duration? {
            backoff.wait(after: attempt, retryAfter: nil, remaining: .seconds(60), jitter: jitter)
        }
        #expect([1, 2, 3, 4].map { wait($0, 1) } == [.seconds(1), .seconds(2), .seconds(3), nil])
        #expect([1, 2, 3].map { wait($0, 0) } == [.milliseconds(500), .seconds(1), .milliseconds(1500)])
        #expect(wait(1, 7) == .seconds(1) && wait(1, -7) == .milliseconds(500))
    }

    @Test("the upstream's own wish counts where it is short, and ends it where it is long")
    func retryAfter() {
        func wait(_ retryAfter: Int, remaining: Int = 60) -> Duration? {
            backoff.wait(after: 1, retryAfter: .seconds(retryAfter), remaining: .seconds(remaining), jitter: 0)
        }
        #expect(wait(0) == .milliseconds(500))
        #expect(wait(2) == .seconds(2))
        #expect(wait(4) == nil)
        #expect(wait(2, remaining: 2) == nil)
    }
}

@Suite("The least rate of an upstream")
struct LeastRateTests {
    /// The verdicts on several waits, in their order, and the patience before each.
    private func judge(_ notes: [(seconds: Int, bytes: Int)]) -> (tooSlow: [Bool], patience: [Duration]) {
        var rate = LeastRate(bytesPerSecond: 10, window: .seconds(10))
        var patience: [Duration] = []
        let verdicts = notes.map { note in
            patience.append(rate.patience)
            return rate.note(waited: .seconds(note.seconds), bytes: note.bytes)
        }
        return (verdicts, patience)
    }

    @Test("it is judged over whole windows of waiting, and a window that was good counts for itself alone")
    func windows() {
        let (tooSlow, patience) = judge([(9, 0), (1, 100), (0, 99), (10, 0)])
        #expect(tooSlow == [false, false, false, true])
        #expect(patience == [10, 1, 10, 10].map { .seconds($0) })
    }

    @Test("a longer wait than the window wants more bytes")
    func longWait() {
        #expect(judge([(20, 199)]).tooSlow == [true])
        #expect(judge([(20, 200)]).tooSlow == [false])
    }
}
