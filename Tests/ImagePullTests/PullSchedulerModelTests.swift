import ImagePull
import OCIDistribution
import RoostTesting
import Testing

/// Drives the scheduler with random plans and a random order of events, and checks what must always hold.
@Suite("Scheduling pulls, at random")
struct PullSchedulerModelTests {
    private struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    @Test("every image finishes once, groups are ready exactly when their set is there, and the limit is kept")
    func soakModel() async throws {
        try await Fuzzing.run(rounds: 500) { random in
            let plan = try Self.plan(&random)
            try Self.run(plan, limit: Int.random(in: 1...4, using: &random), &random)
        }
    }

    private static func plan(_ random: inout SplitMix64) throws -> PullPlan {
        var items: [PullPlanItem] = []
        for number in 0..<Int.random(in: 0...10, using: &random) {
            let reference = try ref("image\(number)")
            let pulled = items.filter { $0.action == .pull }.map(\.reference)
            let action: PullPlanItem.Action =
                switch Int.random(in: 0...4, using: &random) {
                case 0: .present(image("present"))
                case 1: .tag(from: image("elsewhere", [("x", digest(1))]))
                case 2: pulled.randomElement(using: &random).map { .follow($0) } ?? .pull
                default: .pull
                }
            items.append(
                PullPlanItem(
                    reference: reference,
                    target: reference,
                    groups: Set((0...1).map { _ in Int.random(in: 0...3, using: &random) }).sorted(),
                    action: action,
                    reason: "",
                    digest: digest(UInt8.random(in: 1...2, using: &random)),
                    source: nil
                )
            )
        }
        return PullPlan(items: items)
    }

    private static func run(_ plan: PullPlan, limit: Int, _ random: inout SplitMix64) throws {
        var scheduler = PullScheduler(plan, maxConcurrent: limit, retry: RetryPolicy(attempts: 3))
        var pending: [PullScheduler.Event] = [.began]
        var done: Set<ImageReference> = []
        var ready: Set<Int> = []
        var pulling: Set<ImageReference> = []
        var attempts: [ImageReference: Int] = [:]
        var hasEnded = false
        while !pending.isEmpty {
            let event = pending.remove(at: Int.random(in: 0..<pending.count, using: &random))
            switch event {
            case .pulled(let reference, _), .failed(let reference, _, _, _): pulling.remove(reference)
            default: break
            }
            for action in scheduler.handle(event) {
                guard !hasEnded else { throw Broken(description: "\(action) after the end") }
                switch action {
                case .pull(let reference, let attempt):
                    guard attempt == (attempts[reference] ?? 0) + 1 else { throw Broken(description: "attempts") }
                    attempts[reference] = attempt
                    guard pulling.insert(reference).inserted, pulling.count <= limit else {
                        throw Broken(description: "\(pulling.count) pulls at once, \(limit) allowed")
                    }
                    let isCut = attempt < 3 && Bool.random(using: &random)
                    pending.append(
                        isCut
                            ? .failed(reference, failure(reference, isDefinite: false), retryAfter: nil, jitter: 0)
                            : .pulled(reference, image("pulled", [("x", digest(1))]))
                    )
                case .tag(let reference, let image, _):
                    pending.append(Bool.random(using: &random) ? .tagged(reference, image) : .tagFailed(reference))
                case .backOff(let reference, _, _, _):
                    pending.append(.retryDue(reference))
                case .finished(let reference, _, _):
                    guard done.insert(reference).inserted else { throw Broken(description: "finished twice") }
                case .groupReady(let group):
                    guard ready.insert(group).inserted else { throw Broken(description: "ready twice") }
                    let missing = plan.items.filter { $0.groups.contains(group) && !done.contains($0.reference) }
                    guard missing.isEmpty else { throw Broken(description: "group \(group) is not whole") }
                case .halt:
                    throw Broken(description: "halted without a final failure")
                case .end:
                    hasEnded = true
                }
            }
        }
        guard hasEnded, done.count == plan.items.count, ready == Set(plan.groups) else {
            throw Broken(description: "ended: \(hasEnded), done: \(done.count) of \(plan.items.count), ready: \(ready)")
        }
    }
}
