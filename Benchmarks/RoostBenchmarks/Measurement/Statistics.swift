/// How long one contestant took, round by round.
struct Timings {
    let name: String
    let times: [Duration]

    var seconds: Spread { Spread(times.map { $0 / .seconds(1) }) }
}

/// The middle and the ends of what was measured.
struct Spread {
    let median: Double
    let least: Double
    let most: Double

    /// - Parameter values: At least one.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        least = sorted[0]
        most = sorted[sorted.count - 1]
    }
}

/// Roost's time as a part of a peer's, each round a pair: what slows the machine down for a while slows down both.
struct Comparison {
    let peer: String
    let ratio: Spread
    /// The median ratio is to be at most this.
    let target: Double

    init(_ roost: Timings, against peer: Timings, target: Double) {
        self.peer = peer.name
        self.target = target
        ratio = Spread(zip(roost.times, peer.times).map { $0 / $1 })
    }

    var isMet: Bool { ratio.median <= target }
}
