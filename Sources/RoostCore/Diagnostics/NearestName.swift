/// Finds the name that somebody who wrote another probably meant.
package enum NearestName {
    /// The candidate nearest to `name`, where one is near enough to be worth naming.
    ///
    /// Near enough is at most a third of the longer name's length, and at least one slip; swapped neighbours count as
    /// one slip, letters of another case and `-` for `_` as none. Of equally near ones the first in `candidates` wins.
    package static func of(_ name: String, in candidates: some Sequence<String>) -> String? {
        let wanted = normalised(name)
        guard !wanted.isEmpty, wanted.count <= longestName else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate != name {
            let other = normalised(candidate)
            guard other.count <= longestName else { continue }
            let allowed = max(1, max(wanted.count, other.count) / 3)
            guard abs(wanted.count - other.count) <= allowed else { continue }
            let distance = distance(wanted, other)
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Beyond this length a typing slip is not what went wrong, and the comparison would be slow.
    private static let longestName = 128

    private static func normalised(_ name: String) -> [UInt8] {
        name.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
    }

    /// The optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            for column in 1...right.count {
                let replaced = last[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
                var best = min(replaced, last[column] + 1, current[column - 1] + 1)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    best = min(best, beforeLast[column - 2] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
