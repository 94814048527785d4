import Foundation

/// Results as Markdown, which is read well on a terminal too.
enum ResultText {
    static func machine(_ facts: MachineFacts, at date: Date) -> String {
        table(["", ""], [["measured", date.formatted(.iso8601)]] + facts.rows.map { [$0.name, $0.value] })
    }

    /// - Parameters:
    ///   - result: The result.
    ///   - date: When it was measured.
    ///   - load: The machine's load before and after.
    /// - Returns: Paragraphs and tables.
    static func text(_ result: BenchmarkResult, at date: Date, load: (before: String, after: String)) -> String {
        let rounds = result.timings.map(\.times.count).max() ?? 0
        var parts = [
            result.work,
            "\(rounds) rounds, \(date.formatted(.iso8601)); the machine's load was \(load.before) before and "
                + "\(load.after) after.",
            table(
                ["", "median", "min", "max"],
                result.timings.map { timings in
                    let seconds = timings.seconds
                    return [timings.name] + [seconds.median, seconds.least, seconds.most].map(time)
                }
            ),
            table(
                ["Roost against", "ratio, median", "min", "max", "target", ""],
                result.comparisons.map { comparison in
                    [
                        comparison.peer, ratio(comparison.ratio.median), ratio(comparison.ratio.least),
                        ratio(comparison.ratio.most), comparison.target.map { "≤ \(number($0))" } ?? "",
                        comparison.target.map { verdict(comparison.ratio.median, $0) } ?? "",
                    ]
                }
            ),
        ]
        if !result.limits.isEmpty {
            parts.append(
                table(
                    ["", "measured", "target", ""],
                    result.limits.map { limit in
                        [
                            limit.what, text(limit.figure), "≤ \(text(limit.bound))",
                            verdict(limit.figure.value, limit.bound.value),
                        ]
                    }
                )
            )
        }
        for detail in result.details { parts += [detail.title, table(detail.columns, detail.rows)] }
        return parts.joined(separator: "\n\n")
    }

    static func time(_ seconds: Double) -> String {
        seconds < 1 ? "\(number(seconds * 1000, digits: 1)) ms" : "\(number(seconds)) s"
    }

    private static func text(_ figure: Limit.Figure) -> String {
        switch figure {
        case .seconds(let seconds): time(seconds)
        case .bytes(let bytes): "\(number(Double(bytes) / 1e6, digits: 1)) MB"
        case .count(let count): "\(count)"
        }
    }

    private static func verdict(_ value: Double, _ target: Double) -> String {
        if value <= target { return "met" }
        return target > 0 ? "missed by \(number((value / target - 1) * 100, digits: 1)) %" : "missed"
    }

    /// With a third digit: some lie so near their target that two would hide on which side.
    private static func ratio(_ value: Double) -> String { number(value, digits: 3) }

    private static func number(_ value: Double, digits: Int = 2) -> String {
        value.formatted(.number.precision(.fractionLength(digits)).grouping(.never).locale(Locale(identifier: "C")))
    }

    private static func table(_ columns: [String], _ rows: [[String]]) -> String {
        let widths = columns.indices.map { column in ([columns] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return "| \(padded.joined(separator: " | ")) |"
        }
        let rule = widths.map { String(repeating: "-", count: max($0, 3)) }
        return ([line(columns), "| \(rule.joined(separator: " | ")) |"] + rows.map(line)).joined(separator: "\n")
    }
}
