/// Which steps of a stage need which: orders them, and finds circles. A value; its names are those of one stage.
struct NeedsGraph {
    private let names: [String]
    private let needs: [String: [String]]

    /// - Parameters:
    ///   - names: The steps in the order of the file.
    ///   - needs: What each needs; names that are not among `names` are passed over.
    init(names: [String], needs: [String: [String]]) {
        self.names = names
        let known = Set(names)
        self.needs = needs.mapValues { $0.filter(known.contains) }
    }

    init(_ steps: [StepDefinition]) {
        self.init(
            names: steps.map(\.id.step),
            needs: Dictionary(steps.map { ($0.id.step, $0.schedule.needs.map(\.step)) }) { first, _ in first }
        )
    }

    /// A circle of needs, its first name once more at its end; `nil` where there is none.
    ///
    /// Without recursion: a file may chain thousands of steps.
    func circle() -> [String]? {
        var finished: Set<String> = []
        for start in names where !finished.contains(start) {
            var path: [(name: String, next: Int)] = [(start, 0)]
            var onPath: Set<String> = [start]
            while let (name, next) = path.last {
                let needed = needs[name] ?? []
                guard next < needed.count else {
                    path.removeLast()
                    onPath.remove(name)
                    finished.insert(name)
                    continue
                }
                path[path.count - 1].next += 1
                let following = needed[next]
                if onPath.contains(following), let begin = path.firstIndex(where: { $0.name == following }) {
                    return path[begin...].map(\.name) + [following]
                }
                if !finished.contains(following) {
                    path.append((following, 0))
                    onPath.insert(following)
                }
            }
        }
        return nil
    }

    /// The steps so that each comes after all that it needs, else in the order of the file. Of a circle's steps the
    /// order is that of the file.
    func order() -> [String] {
        var placed: Set<String> = []
        var order: [String] = []
        var path: [(name: String, next: Int)] = []
        var onPath: Set<String> = []
        for start in names where !placed.contains(start) {
            path = [(start, 0)]
            onPath = [start]
            while let (name, next) = path.last {
                let needed = needs[name] ?? []
                guard next < needed.count else {
                    path.removeLast()
                    onPath.remove(name)
                    if placed.insert(name).inserted { order.append(name) }
                    continue
                }
                path[path.count - 1].next += 1
                let following = needed[next]
                guard !placed.contains(following), onPath.insert(following).inserted else { continue }
                path.append((following, 0))
            }
        }
        return order
    }
}
