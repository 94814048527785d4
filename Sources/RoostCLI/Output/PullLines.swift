import ImagePull
import OCIDistribution
import RoostCore

/// The lines that stay on the screen, or go to a file, while images are pulled.
struct PullLines: Sendable {
    let theme: Theme
    /// With bars on the screen, the start and the progress of an image need no lines of their own.
    let hasBars: Bool
    private var lastLine: [ImageReference: Duration] = [:]
    private var presentFromStart: Set<ImageReference> = []

    /// The least time between two lines of progress of one image.
    static let interval: Duration = .seconds(10)

    init(theme: Theme, hasBars: Bool) {
        self.theme = theme
        self.hasBars = hasBars
    }

    /// The lines that an event leads to; the board has taken the event already.
    mutating func lines(for event: PullEvent, board: PullBoard, at now: Duration) -> [String] {
        switch event {
        case .resolving(let images):
            return hasBars || images == 0 ? [] : ["resolving \(count(images))"]
        case .planned(let summary):
            presentFromStart.formUnion(summary.present)
            guard !summary.toPull.isEmpty else { return [] }
            let present = summary.present.isEmpty ? "" : ", \(summary.present.count) present"
            return ["pulling \(count(summary.toPull.count))\(present)"]
        case .started(let image, let source, let attempt):
            lastLine[image] = now
            guard !hasBars else { return [] }
            let again = attempt > 1 ? ", attempt \(attempt)" : ""
            return ["pulling \(name(image))\(from(source))\(again)"]
        case .progress(let progress):
            return due(progress.image, board, now).map { [$0] } ?? []
        case .retrying(let image, let attempt, let delay, let reason):
            let what = "\(name(image)): \(TextSanitizer.plain(reason))"
            let when = "; attempt \(attempt + 1) in \(DurationText.format(delay))"
            return [theme.paint("\(theme.glyphs.warning) \(what)\(when)", .yellow)]
        case .finished(let outcome):
            lastLine[outcome.image] = nil
            return finished(outcome)
        }
    }

    /// The lines of progress that are due though nothing happened: a stalled pull should not be silent.
    mutating func overdue(board: PullBoard, at now: Duration) -> [String] {
        lastLine.keys.sorted { $0.familiar < $1.familiar }.compactMap { due($0, board, now) }
    }

    private mutating func due(_ image: ImageReference, _ board: PullBoard, _ now: Duration) -> String? {
        guard !hasBars, let last = lastLine[image], now - last >= Self.interval else { return nil }
        guard let state = board.image(image), state.state != .finished else { return nil }
        lastLine[image] = now
        let amount = state.amount
        let figures =
            amount.total > 0 ? " \(PullRows.percent(amount).drop { $0 == " " }), \(PullRows.bytes(amount))" : ""
        return "\(state.activity) \(name(image))\(figures)"
    }

    private func finished(_ outcome: PullOutcome) -> [String] {
        let image = name(outcome.image)
        let done = theme.paint(theme.glyphs.succeeded, .green)
        switch outcome.result {
        case .pulled:
            let what = "\(outcome.bytes) in \(DurationText.format(outcome.duration))"
            return ["\(done) pulled \(image): \(what)\(from(outcome.source))"]
        case .tagged(let other):
            return ["\(done) tagged \(image): the same image as \(name(other))"]
        case .present:
            return presentFromStart.contains(outcome.image) ? [] : ["\(done) \(image) is up to date"]
        case .cancelled:
            return [theme.paint("\(theme.glyphs.skipped) \(image) was not pulled to its end", .yellow)]
        case .failed(let failure):
            let lines = TextSanitizer.plainLines(failure.message)
            let first = "\(theme.glyphs.failed) \(image): \(lines.first ?? "")"
            return ([first] + lines.dropFirst().map { "  \($0)" }).map { theme.paint($0, .red) }
        }
    }

    private func name(_ image: ImageReference) -> String { TextSanitizer.plain(image.familiar) }

    private func from(_ source: String?) -> String { source.map { " from \(TextSanitizer.plain($0))" } ?? "" }

    private func count(_ images: Int) -> String { images == 1 ? "1 image" : "\(images) images" }
}

extension PullEvent {
    /// What went wrong may hold names and commands to copy.
    var longWords: WordWrap.LongWords {
        switch self {
        case .retrying: return .keep
        case .finished(let outcome):
            if case .failed = outcome.result { return .keep }
            return .cut
        case .resolving, .planned, .started, .progress: return .cut
        }
    }
}
