import Pipeline
import RoostCore

/// A step's phases as a bar on the run's time axis.
struct Timeline: Sendable {
    let columns: Int
    let total: Duration
    let glyphs: Glyphs

    private enum Kind: Int, CaseIterable { case waiting, pull, overhead, run }

    /// The bar: blank where the step was not yet, or no longer, there.
    func bar(_ step: StepReport) -> String {
        guard total > .zero, !step.phases.isEmpty else { return String(repeating: " ", count: columns) }
        var overlaps = [[Double]](repeating: [Double](repeating: 0, count: Kind.allCases.count), count: columns)
        var start = step.offset
        for phase in StepPhase.allCases {
            guard let duration = step.phases[phase] else { continue }
            add(from: start, to: start + duration, Self.kind(phase), &overlaps)
            start += duration
        }
        return overlaps.reduce(into: "") { $0 += glyph($1) }
    }

    /// What the bar's signs mean.
    static func legend(_ glyphs: Glyphs) -> String {
        "\(glyphs.phaseWaiting) waiting  \(glyphs.phasePull) pull  \(glyphs.phaseOverhead) create, start, clean up  "
            + "\(glyphs.phaseRun) run"
    }

    private static func kind(_ phase: StepPhase) -> Kind {
        switch phase {
        case .resolve, .wait: .waiting
        case .pull: .pull
        case .create, .start, .cleanup: .overhead
        case .run: .run
        }
    }

    /// Adds to each column how much of it the phase covers.
    private func add(from start: Duration, to end: Duration, _ kind: Kind, _ overlaps: inout [[Double]]) {
        let scale = Double(columns) / total.inSeconds
        let first = start.inSeconds * scale
        let last = min(end.inSeconds * scale, Double(columns))
        var column = max(Int(first), 0)
        while column < columns, Double(column) < last {
            overlaps[column][kind.rawValue] += min(last, Double(column + 1)) - max(first, Double(column))
            column += 1
        }
        // A step that ran should be seen to have run, however short.
        if kind == .run, end > start { overlaps[min(max(Int(first), 0), columns - 1)][kind.rawValue] += 1 }
    }

    private func glyph(_ overlap: [Double]) -> String {
        guard let most = overlap.max(), most > 0, let index = overlap.lastIndex(of: most) else { return " " }
        switch Kind(rawValue: index) {
        case .waiting: return glyphs.phaseWaiting
        case .pull: return glyphs.phasePull
        case .overhead: return glyphs.phaseOverhead
        case .run: return glyphs.phaseRun
        case nil: return " "
        }
    }
}
