/// What was used lately, up to a cost, with every operation in constant time.
///
/// Two generations: what is used moves to the younger one, and when that has grown to half the cost, the older one is
/// dropped and the younger takes its place.
struct RecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var young: [Key: (value: Value, cost: Int)] = [:]
    private var old: [Key: (value: Value, cost: Int)] = [:]
    private var youngCost = 0
    private let halfOfCost: Int

    /// - Parameter cost: The most that all values may cost together.
    init(cost: Int) { halfOfCost = max(1, cost / 2) }

    /// The value, which counts as used by this.
    mutating func value(for key: Key) -> Value? {
        if let entry = young[key] { return entry.value }
        guard let entry = old[key] else { return nil }
        set(entry.value, for: key, cost: entry.cost)
        return entry.value
    }

    /// Keeps a value; one that costs more than half of all is not kept.
    mutating func set(_ value: Value, for key: Key, cost: Int = 1) {
        remove(key)
        guard cost <= halfOfCost else { return }
        if youngCost + cost > halfOfCost {
            old = young
            young = [:]
            youngCost = 0
        }
        young[key] = (value, cost)
        youngCost += cost
    }

    mutating func remove(_ key: Key) {
        if let entry = young.removeValue(forKey: key) { youngCost -= entry.cost }
        old[key] = nil
    }

    mutating func removeAll() {
        young = [:]
        old = [:]
        youngCost = 0
    }

    /// How many values there are.
    var count: Int { young.count + old.count }
}
