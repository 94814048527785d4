import Foundation

/// One way to do the work that is compared.
struct Contestant {
    let name: String
    /// Brings the world back to where every contestant starts; not measured.
    let prepare: () async throws -> Void
    /// Does the work.
    let work: () async throws -> Duration

    init(
        _ name: String,
        prepare: @escaping () async throws -> Void = {},
        work: @escaping () async throws -> Duration
    ) {
        self.name = name
        self.prepare = prepare
        self.work = work
    }
}

/// Lets the contestants work in turn, so that what else the machine does meets all of them alike.
struct Contest {
    let rounds: Int
    /// Rounds before the first that counts.
    let warmUps: Int
    /// Told each round's end.
    let progress: (String) -> Void

    /// - Parameter contestants: Roost first.
    /// - Returns: Their times, round by round.
    /// - Throws: What a contestant throws: then there is no result.
    func hold(_ contestants: [Contestant]) async throws -> [Timings] {
        var times = contestants.map { _ in [Duration]() }
        for round in 0..<(warmUps + rounds) {
            // Every other round runs backwards: nobody always comes after the same one.
            let order = round.isMultiple(of: 2) ? Array(contestants.indices) : contestants.indices.reversed()
            for index in order {
                try await contestants[index].prepare()
                // What the last one wrote is on the disk before the next one begins.
                sync()
                let time = try await contestants[index].work()
                if round >= warmUps { times[index].append(time) }
            }
            let number = round - warmUps + 1
            progress(number > 0 ? "round \(number) of \(rounds)" : "warm-up")
        }
        return zip(contestants, times).map { Timings(name: $0.name, times: $1) }
    }
}
