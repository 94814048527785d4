/// Keeps which step runs, and which are parked, in which network slot, and decides which goes where.
///
/// A parked container can't change its network, so that it is bound to its slot; a step that is not parked can start in any.
/// Never two steps run in one slot. Nobody waits for a slot: where none is free, a step gets a private network, which only
/// costs its start more. A value without I/O.
package struct SlotBook<Step: Hashable & Sendable>: Sendable {
    private enum State: Hashable, Sendable {
        /// Its holder is being made.
        case making
        case usable
        /// Its holder could not be made, or has ended.
        case gone
    }

    private struct Slot: Sendable {
        var state = State.making
        var running: Step?
    }

    private var slots: [Slot] = []
    private var parked: [Step: Int] = [:]

    package init() {}

    /// Where the step runs, or is parked; `nil` for a step on a private network.
    package func slot(of step: Step) -> Int? { slots.firstIndex { $0.running == step } ?? parked[step] }

    /// What runs in the slot.
    package func runningStep(in slot: Int) -> Step? { slots.indices.contains(slot) ? slots[slot].running : nil }

    /// One more slot is being made.
    ///
    /// - Returns: Its number.
    package mutating func add() -> Int {
        slots.append(Slot())
        return slots.count - 1
    }

    /// The slot can be joined from now on.
    package mutating func open(_ slot: Int) {
        guard slots.indices.contains(slot), slots[slot].state == .making else { return }
        slots[slot].state = .usable
    }

    /// The slot can't be joined any more. What is in it already stays.
    package mutating func close(_ slot: Int) {
        guard slots.indices.contains(slot) else { return }
        slots[slot].state = .gone
    }

    /// Chooses the slot that a step is to be parked in, and keeps it there.
    ///
    /// A slot where only steps that it needs run or are parked is free by the time it can start; next best is one that is
    /// free now, else the one with the fewest others.
    ///
    /// - Parameters:
    ///   - step: Neither running nor parked.
    ///   - needs: What has to end before it.
    /// - Returns: The slot; `nil` for a private network.
    package mutating func park(_ step: Step, needing needs: Set<Step> = []) -> Int? {
        guard slot(of: step) == nil else { return nil }
        let chosen = usable.min { rank($0, needs) < rank($1, needs) }
        if let chosen { parked[step] = chosen }
        return chosen
    }

    /// A step that is not parked starts now.
    ///
    /// - Returns: The slot, which is the step's until it has ended; `nil` for a private network, since none is free.
    package mutating func start(_ step: Step) -> Int? {
        parked[step] = nil
        if let known = slots.firstIndex(where: { $0.running == step }) { return known }
        let free = usable.filter { slots[$0].running == nil }.min { load($0) < load($1) }
        if let free { slots[free].running = step }
        return free
    }

    /// A parked step's container is to be released now.
    ///
    /// - Returns: False where another step runs in its slot, or the slot's network has gone: it can't be released.
    package mutating func release(_ step: Step) -> Bool {
        guard let slot = parked[step] else { return true }
        guard slots[slot].running == nil, slots[slot].state != .gone else { return false }
        slots[slot].running = step
        parked[step] = nil
        return true
    }

    /// The step's container has ended, or will not run any more.
    package mutating func finish(_ step: Step) {
        parked[step] = nil
        for slot in slots.indices where slots[slot].running == step { slots[slot].running = nil }
    }

    private var usable: [Int] { slots.indices.filter { slots[$0].state == .usable } }

    private func rank(_ slot: Int, _ needs: Set<Step>) -> (Int, Int, Int, Int) {
        let others = parked.count { $0.value == slot && !needs.contains($0.key) }
        let isItsNeeds =
            slots[slot].running.map(needs.contains) ?? parked.contains { $0.value == slot && needs.contains($0.key) }
        let isBusy = slots[slot].running.map { !needs.contains($0) } ?? false
        return (others, isItsNeeds ? 0 : 1, isBusy ? 1 : 0, slot)
    }

    private func load(_ slot: Int) -> Int { parked.values.count { $0 == slot } }
}
