/// Keeps which step runs, and which are parked, in which network slot, and decides which goes where.
///
/// A parked container can't change its network, so that it is bound to its slot; a step that is not parked can start in any.
/// Never two steps run in one slot. A value without I/O.
package struct SlotBook<Step: Hashable & Sendable>: Sendable {
    package enum Action: Hashable, Sendable {
        /// Release the step's parked container, which is in this slot.
        case release(Step, slot: Int)
        /// Start the step, which is not parked, in this slot.
        case start(Step, slot: Int)
        /// Discard the step's parked container, whose slot is taken, and start the step in this slot.
        case remake(Step, slot: Int)
    }

    private var running: [Step?]
    private var parked: [Step: Int] = [:]
    private var ready: [Step] = []

    /// - Parameter slots: How many there are, and so how many steps run at once; at least 1.
    package init(slots: Int) {
        running = Array(repeating: nil, count: max(1, slots))
    }

    /// Where the step runs, or is parked.
    package func slot(of step: Step) -> Int? { running.firstIndex(of: step) ?? parked[step] }

    /// What runs in the slot.
    package func runningStep(in slot: Int) -> Step? { running.indices.contains(slot) ? running[slot] : nil }

    /// Chooses the slot that a step is to be parked in, and keeps it there.
    ///
    /// A slot where only steps that it needs run or are parked is free by the time it can start; next best is one that is
    /// free now, else the one with the fewest others.
    ///
    /// - Parameters:
    ///   - step: Not running, not parked, not ready.
    ///   - needs: What has to end before it.
    /// - Returns: The slot; `nil` where the step is known already.
    package mutating func park(_ step: Step, needing needs: Set<Step> = []) -> Int? {
        guard slot(of: step) == nil, !ready.contains(step) else { return nil }
        let chosen = running.indices.min { rank($0, needs) < rank($1, needs) } ?? 0
        parked[step] = chosen
        return chosen
    }

    private func rank(_ slot: Int, _ needs: Set<Step>) -> (Int, Int, Int, Int) {
        let others = parked.count { $0.value == slot && !needs.contains($0.key) }
        let isItsNeeds =
            running[slot].map(needs.contains) ?? parked.contains { $0.value == slot && needs.contains($0.key) }
        let isBusy = running[slot].map { !needs.contains($0) } ?? false
        return (others, isItsNeeds ? 0 : 1, isBusy ? 1 : 0, slot)
    }

    /// The step's parked container is gone, or was given up; a step that is ready starts plainly.
    ///
    /// - Returns: What to do now.
    package mutating func unpark(_ step: Step) -> [Action] {
        parked[step] = nil
        return assign()
    }

    /// The step may start as soon as there is a slot for it.
    ///
    /// - Returns: What to do now.
    package mutating func makeReady(_ step: Step) -> [Action] {
        guard !running.contains(step), !ready.contains(step) else { return [] }
        ready.append(step)
        return assign()
    }

    /// The step has ended, or will not run any more.
    ///
    /// - Returns: What to do now.
    package mutating func finish(_ step: Step) -> [Action] {
        parked[step] = nil
        ready.removeAll { $0 == step }
        if let slot = running.firstIndex(of: step) { running[slot] = nil }
        return assign()
    }

    /// First come, first served, among those parked in a free slot before all others; those parked in a slot that is
    /// taken come last, since their parking would be lost.
    private mutating func assign() -> [Action] {
        var actions: [Action] = []
        while let free = freest() {
            if let step = ready.first(where: { parked[$0].map { running[$0] == nil } ?? false }),
                let slot = parked[step]
            {
                actions.append(.release(step, slot: slot))
                occupy(slot, step)
            } else if let step = ready.first(where: { parked[$0] == nil }) {
                actions.append(.start(step, slot: free))
                occupy(free, step)
            } else if let step = ready.first {
                actions.append(.remake(step, slot: free))
                occupy(free, step)
            } else {
                break
            }
        }
        return actions
    }

    private mutating func occupy(_ slot: Int, _ step: Step) {
        running[slot] = step
        parked[step] = nil
        ready.removeAll { $0 == step }
    }

    /// The free slot that the fewest steps are parked in.
    private func freest() -> Int? {
        running.indices.filter { running[$0] == nil }.min { load($0) < load($1) }
    }

    private func load(_ slot: Int) -> Int { parked.values.count { $0 == slot } }
}
