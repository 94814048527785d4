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
        // Heaviest first: the heaviest of a set of them are then its first, and no set has to be sorted.
        let together = steps.filter { !$0.schedule.runsAlone }.map { (step: $0, weight: weight($0)) }
            .sorted { $0.weight > $1.weight }
        guard together.contains(where: { !$0.step.schedule.needs.isEmpty }), together.count <= mostCompared else {
            return max(alone, together.prefix(max(0, maxParallel)).reduce(0) { sum($0, $1.weight) })
        }
        var bounds: [Int64] = []
        for (index, related) in relations(of: together.map(\.step)).enumerated() {
            var notBeside = related
            notBeside.insert(index)
            let beside = notBeside.missing(atMost: maxParallel - 1)
            bounds.append(beside.reduce(together[index].weight) { sum($0, together[$1].weight) })
        }
        return max(alone, bounds.max() ?? 0)
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }

    /// For each step those that run before or after it in any case: what it needs and what needs it, through others too.
    private static func relations(of steps: [StepDefinition]) -> [Bits] {
        let graph = NeedsGraph(steps)
        let order = graph.order()
        var before = [Bits](repeating: Bits(count: steps.count), count: steps.count)
        for index in order {
            for needed in graph.needs[index] {
                before[index].insert(needed)
                before[index].formUnion(before[needed])
            }
        }
        var after = [Bits](repeating: Bits(count: steps.count), count: steps.count)
        for index in order.reversed() {
            for needed in graph.needs[index] {
                after[needed].insert(index)
                after[needed].formUnion(after[index])
            }
        }
        for index in steps.indices { before[index].formUnion(after[index]) }
        return before
    }

    /// A set of small numbers.
    private struct Bits {
        private let count: Int
        private var words: [UInt64]

        init(count: Int) {
            self.count = count
            words = [UInt64](repeating: 0, count: (count + 63) / 64)
        }

        mutating func insert(_ bit: Int) { words[bit / 64] |= 1 << UInt64(bit % 64) }

        mutating func formUnion(_ other: Bits) {
            for index in words.indices { words[index] |= other.words[index] }
        }

        /// The least of the numbers below the count that are not in the set.
        func missing(atMost most: Int) -> [Int] {
            var found: [Int] = []
            for (index, word) in words.enumerated() {
                var rest = ~word
                while rest != 0 {
                    let bit = index * 64 + rest.trailingZeroBitCount
                    guard bit < count, found.count < most else { return found }
                    found.append(bit)
                    rest &= rest - 1
                }
            }
            return found
        }
    }
}
