import RoostCore

/// How many steps of a stage, and with how much memory, can run at the same time.
enum PlannedConcurrency {
    /// Beyond this many steps needs are left out of account: the bound is then higher than it has to be.
    private static let mostCompared = 4096

    /// How much memory the steps can be promised at once: a bound that no order of events exceeds.
    static func memory(of steps: [StepDefinition], maxParallel: Int) -> ByteCount {
        ByteCount(most(of: steps, maxParallel: maxParallel) { $0.memory.bytes })
    }

    /// How many steps can run at once: a bound that no order of events exceeds.
    static func count(of steps: [StepDefinition], maxParallel: Int) -> Int {
        Int(most(of: steps, maxParallel: maxParallel) { _ in 1 })
    }

    /// Over all steps, the most of one with those of the highest weight that can run beside it.
    private static func most(
        of steps: [StepDefinition],
        maxParallel: Int,
        weight: (StepDefinition) -> Int64
    ) -> Int64 {
        let alone = steps.filter(\.schedule.runsAlone).map(weight).max() ?? 0
        let together = steps.filter { !$0.schedule.runsAlone }
        guard together.contains(where: { !$0.schedule.needs.isEmpty }), together.count <= mostCompared else {
            return max(alone, sumOfLargest(together.map(weight), maxParallel))
        }
        let related = relations(of: together)
        let weights = together.map(weight)
        let bounds = together.indices.map { index in
            let others = together.indices.filter { $0 != index && !related[index].contains($0) }.map { weights[$0] }
            return sum(weights[index], sumOfLargest(others, maxParallel - 1))
        }
        return max(alone, bounds.max() ?? 0)
    }

    private static func sumOfLargest(_ weights: [Int64], _ count: Int) -> Int64 {
        weights.sorted(by: >).prefix(max(0, count)).reduce(0, sum)
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// For each step those that run before or after it in any case: what it needs and what needs it, through others too.
    private static func relations(of steps: [StepDefinition]) -> [Bits] {
        let indices = Dictionary(steps.enumerated().map { ($1.id.step, $0) }) { first, _ in first }
        var before = [Bits](repeating: Bits(count: steps.count), count: steps.count)
        for name in NeedsGraph(steps).order() {
            guard let index = indices[name] else { continue }
            for need in steps[index].schedule.needs {
                guard let needed = indices[need.step] else { continue }
                before[index].insert(needed)
                before[index].formUnion(before[needed])
            }
        }
        var related = before
        for index in steps.indices {
            for other in steps.indices where before[index].contains(other) { related[other].insert(index) }
        }
        return related
    }

    /// A set of small numbers.
    private struct Bits {
        private var words: [UInt64]

        init(count: Int) {
            words = [UInt64](repeating: 0, count: (count + 63) / 64)
        }

        func contains(_ bit: Int) -> Bool { words[bit / 64] & (1 << UInt64(bit % 64)) != 0 }

        mutating func insert(_ bit: Int) { words[bit / 64] |= 1 << UInt64(bit % 64) }

        mutating func formUnion(_ other: Bits) {
            for index in words.indices { words[index] |= other.words[index] }
        }
    }
}
