/// Decides which container may start next: an engine is slower with many starts at once, and what is parked ahead must not
/// slow down what somebody waits for. A value without I/O.
struct StartOrder {
    enum Urgency: CaseIterable, Sendable {
        /// A step or a service whose turn it is.
        case due
        /// Made while there is time: a step's container before its turn, or the holder of a network.
        case ahead
    }

    /// Of all at once. Four: more make each start slower and none of them faster (measured on two cores).
    private let limit: Int
    /// What is ahead starts only while fewer than these do: it leaves a place for what becomes due.
    private let aheadLimit: Int
    private var starting = 0
    private var waiting: [Urgency: [UInt64]] = [:]

    /// - Parameters:
    ///   - limit: Of all at once.
    ///   - aheadLimit: Of all at once, for those that are ahead; less than `limit`.
    init(limit: Int = 4, aheadLimit: Int = 3) {
        self.limit = limit
        self.aheadLimit = aheadLimit
    }

    /// Asks for a place.
    ///
    /// - Returns: Whether it is had at once; else the asker waits until ``leave()`` names it.
    mutating func ask(_ asker: UInt64, _ urgency: Urgency) -> Bool {
        waiting[urgency, default: []].append(asker)
        // Who waited before could not have been let in, else they would have been.
        return admit() == [asker]
    }

    /// Gives a place back.
    ///
    /// - Returns: Who has a place now.
    mutating func leave() -> [UInt64] {
        starting -= 1
        return admit()
    }

    /// Someone waits no longer. Nobody waits for those who wait, so that this lets nobody in.
    mutating func withdraw(_ asker: UInt64) {
        for urgency in Urgency.allCases { waiting[urgency]?.removeAll { $0 == asker } }
    }

    private mutating func admit() -> [UInt64] {
        var admitted: [UInt64] = []
        while starting < limit, let next = next(.due) {
            starting += 1
            admitted.append(next)
        }
        while starting < aheadLimit, let next = next(.ahead) {
            starting += 1
            admitted.append(next)
        }
        return admitted
    }

    private mutating func next(_ urgency: Urgency) -> UInt64? {
        guard let queue = waiting[urgency], !queue.isEmpty else { return nil }
        return waiting[urgency]?.removeFirst()
    }
}
