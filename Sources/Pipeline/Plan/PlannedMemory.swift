import RoostCore

/// How much memory the steps of a stage can be promised at the same time.
enum PlannedMemory {
    /// Beyond this many steps needs are left out of account: the bound is then higher than it has to be.
    private static let mostCompared = 4096

    /// A bound that no order of events exceeds: of the steps that can run beside a step, those with the highest limits.
    ///
    /// - Parameters:
    ///   - steps: The stage's steps.
    ///   - maxParallel: How many run at once at most.
    /// - Returns: The bound; zero for no steps.
    static func peak(of steps: [StepDefinition], maxParallel: Int) -> ByteCount {
        let alone = steps.filter(\.schedule.runsAlone).map(\.memory).max() ?? ByteCount(0)
        let together = steps.filter { !$0.schedule.runsAlone }
        guard together.contains(where: { !$0.schedule.needs.isEmpty }), together.count <= mostCompared else {
            return max(alone, sumOfLargest(together.map(\.memory), maxParallel))
        }
        let related = relations(of: together)
        let bounds = together.indices.map { index in
            let others = together.indices.filter { $0 != index && !related[index].contains($0) }.map {
                together[$0].memory
            }
            return together[index].memory + sumOfLargest(others, maxParallel - 1)
        }
        return max(alone, bounds.max() ?? ByteCount(0))
    }

    private static func sumOfLargest(_ sizes: [ByteCount], _ count: Int) -> ByteCount {
        sizes.sorted(by: >).prefix(max(0, count)).reduce(ByteCount(0), +)
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
