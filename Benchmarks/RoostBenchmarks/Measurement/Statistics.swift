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

/// The least value that is at least as large as this part of all values.
///
/// - Parameters:
///   - part: From 0 to 1.
///   - values: At least one.
/// - Returns: One of the values, never one between two: with few of them, 95 % is the largest.
func quantile(_ part: Double, of values: [Double]) -> Double {
    let sorted = values.sorted()
    let rank = Int((part * Double(sorted.count)).rounded(.up))
    return sorted[min(max(rank, 1), sorted.count) - 1]
}

/// Roost's time as a part of a peer's, each round a pair: what slows the machine down for a while slows down both.
struct Comparison {
    let peer: String
    let ratio: Spread
    /// The median ratio is to be at most this; `nil` where it is only told.
    let target: Double?

    init(_ roost: Timings, against peer: Timings, as name: String? = nil, target: Double? = nil) {
        self.peer = name ?? peer.name
        self.target = target
        ratio = Spread(zip(roost.times, peer.times).map { $0 / $1 })
    }

    var isMet: Bool { target.map { ratio.median <= $0 } ?? true }
}

/// A figure that is to be at most some other, with no peer beside it.
struct Limit {
    enum Figure {
        case seconds(Double)
        case bytes(Int64)
        case count(Int)

        var value: Double {
            switch self {
            case .seconds(let seconds): seconds
            case .bytes(let bytes): Double(bytes)
            case .count(let count): Double(count)
            }
        }
    }

    let what: String
    let figure: Figure
    let bound: Figure

    /// - Parameters:
    ///   - what: What was measured.
    ///   - figure: What was found.
    ///   - bound: The most that it is to be; of the same kind.
    init(_ what: String, _ figure: Figure, atMost bound: Figure) {
        self.what = what
        self.figure = figure
        self.bound = bound
    }

    var isMet: Bool { figure.value <= bound.value }
}
