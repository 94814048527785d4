/// Which steps of a stage need which: orders them, and finds circles. A value; its names are those of one stage.
///
/// Names are looked up once, when it is made: a stage may have a hundred thousand needs.
struct NeedsGraph {
    private let names: [String]
    /// What each step needs, by its index; those of ``names``.
    let needs: [[Int]]

    /// - Parameters:
    ///   - names: The steps in the order of the file.
    ///   - needs: What each needs; names that are not among `names` are passed over.
    init(names: [String], needs: [String: [String]]) {
        self.init(names: names, needs: names.map { needs[$0] ?? [] })
    }

    init(_ steps: [StepDefinition]) {
        self.init(names: steps.map(\.id.step), needs: steps.map { $0.schedule.needs.map(\.step) })
    }

    private init(names: [String], needs: [[String]]) {
        self.names = names
        let indices = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
        self.needs = needs.map { $0.compactMap { indices[$0] } }
    }

    /// A circle of needs, its first name once more at its end; `nil` where there is none.
    ///
    /// Without recursion: a file may chain thousands of steps.
    func circle() -> [String]? {
        var isFinished = [Bool](repeating: false, count: names.count)
        var isOnPath = isFinished
        for start in names.indices where !isFinished[start] {
            var path: [(step: Int, next: Int)] = [(start, 0)]
            isOnPath[start] = true
            while let (step, next) = path.last {
                guard next < needs[step].count else {
                    path.removeLast()
                    isOnPath[step] = false
                    isFinished[step] = true
                    continue
                }
                path[path.count - 1].next += 1
                let following = needs[step][next]
                if isOnPath[following], let begin = path.firstIndex(where: { $0.step == following }) {
                    return path[begin...].map { names[$0.step] } + [names[following]]
                }
                if !isFinished[following] {
                    path.append((following, 0))
                    isOnPath[following] = true
                }
            }
        }
        return nil
    }

    /// The steps' indices so that each comes after all that it needs, else in the order of the file. Of a circle's steps
    /// the order is that of the file.
    func order() -> [Int] {
        // On its way into the order, or there.
        var isSeen = [Bool](repeating: false, count: names.count)
        var order: [Int] = []
        order.reserveCapacity(names.count)
        for start in names.indices where !isSeen[start] {
            var path: [(step: Int, next: Int)] = [(start, 0)]
            isSeen[start] = true
            while let (step, next) = path.last {
                guard next < needs[step].count else {
                    path.removeLast()
                    order.append(step)
                    continue
                }
                path[path.count - 1].next += 1
                let following = needs[step][next]
                guard !isSeen[following] else { continue }
                isSeen[following] = true
                path.append((following, 0))
            }
        }
        return order
    }
}
