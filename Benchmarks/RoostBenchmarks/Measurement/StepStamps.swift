/// When each of a chain's steps began and ended, as ``CompiledProgram/stamp`` told it.
struct StepStamps {
    /// The output does not tell of each step what it should.
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    /// From each step's end to the next one's begin, in nanoseconds.
    let gaps: [Int64]

    /// - Parameters:
    ///   - output: What was printed, as lines or within JSON, in any order.
    ///   - names: The steps in the order of the chain.
    /// - Throws: ``Unusable`` where a step's begin or end is missing or told twice, or a step began before the end of the one
    ///   that it needed.
    init(in output: String, of names: [String]) throws {
        var begins: [String: Int64] = [:]
        var ends: [String: Int64] = [:]
        for match in output.matches(of: /\b(begin|end) ([A-Za-z0-9]+) ([0-9]+)\b/) {
            let name = String(match.2)
            let isNew: Bool
            if match.1 == "begin" {
                isNew = begins.updateValue(try Self.number(match.3), forKey: name) == nil
            } else {
                isNew = ends.updateValue(try Self.number(match.3), forKey: name) == nil
            }
            guard isNew else { throw Unusable(description: "\(name) tells its \(match.1) twice") }
        }
        gaps = try zip(names, names.dropFirst()).map { name, next in
            guard let end = ends[name], let begin = begins[next] else {
                throw Unusable(description: "the end of \(name) or the begin of \(next) is not told")
            }
            guard begin >= end else { throw Unusable(description: "\(next) began before \(name) had ended") }
            return begin - end
        }
    }

    private static func number(_ digits: Substring) throws -> Int64 {
        guard let number = Int64(digits) else { throw Unusable(description: "\(digits) is no time") }
        return number
    }
}

/// The gaps of all of a contestant's rounds.
final class GapBook {
    private var rounds: [[Double]] = []

    var count: Int { rounds.reduce(0) { $0 + $1.count } }

    /// Takes a round's gaps.
    ///
    /// - Returns: Their median.
    func add(_ stamps: StepStamps) -> Duration {
        let seconds = stamps.gaps.map { Double($0) / 1e9 }
        rounds.append(seconds)
        return .seconds(Spread(seconds).median)
    }

    /// Forgets the first rounds, which were there to warm up.
    func removeFirst(_ count: Int) { rounds.removeFirst(min(count, rounds.count)) }

    /// The time in seconds within which this part of the gaps is; see ``quantile(_:of:)``.
    func quantile(_ part: Double) -> Double { RoostBenchmarks.quantile(part, of: rounds.flatMap { $0 }) }
}
