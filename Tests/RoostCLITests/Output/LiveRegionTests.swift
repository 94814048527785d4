import ImagePull
import OCIDistribution
import Pipeline
import RoostCore
import Testing

@testable import RoostCLI

/// As much of a terminal as the display relies on: a grid, a cursor, wrapping, and the sequences that Roost writes.
private struct ScreenGrid {
    var columns: Int
    private var lines: [[Character]] = [[]]
    private var row = 0
    private var column = 0

    init(columns: Int) { self.columns = columns }

    mutating func write(_ text: String) {
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n":
                row += 1
                column = 0
                while lines.count <= row { lines.append([]) }
            case "\u{1B}":
                let body = rest.prefix { $0 != "A" && $0 != "J" && $0 != "m" }
                rest = rest.dropFirst(body.count)
                let final = rest.popFirst()
                let number = Int(String(String.UnicodeScalarView(body.dropFirst()))) ?? 1
                if final == "A" { row = max(row - number, 0) }
                if final == "J" {
                    lines.removeSubrange((row + 1)...)
                    lines[row] = Array(lines[row].prefix(column))
                }
            default:
                if column == columns {
                    row += 1
                    column = 0
                    while lines.count <= row { lines.append([]) }
                }
                while lines[row].count <= column { lines[row].append(" ") }
                lines[row][column] = Character(scalar)
                column += 1
            }
        }
    }

    /// A terminal that becomes narrower wraps what it shows; the cursor stays behind the same character.
    mutating func narrow(to columns: Int) {
        self.columns = columns
        var wrapped: [[Character]] = []
        for line in lines {
            var rest = line[...]
            repeat {
                wrapped.append(Array(rest.prefix(columns)))
                rest = rest.dropFirst(columns)
            } while !rest.isEmpty
        }
        lines = wrapped
        row = lines.count - 1
        column = lines[row].count
    }

    var text: [String] { lines.map { String($0) } }
}

@Suite("Bars at the bottom of a terminal")
struct LiveRegionTests {
    private let style = OutputStyle(isLive: true, usesColor: true, usesUnicode: true, columns: 80)
    private let size = TerminalSize(columns: 80, rows: 24)

    private func log(_ number: Int) -> RunEvent {
        SampleRun.event(.stepLog(StepLog(id: SampleRun.lint, attempt: 1, lines: [SampleRun.line("line \(number)")])))
    }

    @Test("log lines are printed above the bars, whole, and the bars are gone at the end")
    func neverTorn() throws {
        var screen = RunScreen(style: style)
        var grid = ScreenGrid(columns: 80)
        let images = try ["redis:7", "nginx:1"].map(SampleRun.image)
        var now = Duration.zero
        var writes = 0
        func feed(_ kind: RunEvent.Kind) {
            let text = screen.handle(SampleRun.event(kind), now: now, size: size)
            if !text.isEmpty { writes += 1 }
            grid.write(text)
        }
        feed(.pull(.planned(PullSummary(toPull: images, present: []))))
        for image in images { feed(.pull(.started(image: image, source: nil, attempt: 1))) }
        for number in 0..<500 {
            now += .milliseconds(7)
            feed(.pull(SampleRun.progress(images[number % 2], [("l\(number % 2)", Int64(number), 1000)])))
            feed(log(number).kind)
            if number == 250 {
                grid.write(screen.tick(now: now + .milliseconds(100), size: size))
                #expect(grid.text.last?.hasPrefix("0/2 images  ███") == true)
                #expect(grid.text.dropLast(2).last?.hasPrefix("redis:7") == true)
                #expect(grid.text.dropLast(3).last == "build/lint │ line 250")
            }
        }
        #expect(writes <= 40, "3.5 s of events lead to at most ten frames a second")
        for image in images { feed(.pull(SampleRun.pulled(image))) }
        feed(.runFinished(SampleRun.succeeded))
        let lines = grid.text.filter { $0.contains("│ line") }
        #expect(lines == (0..<500).map { "build/lint │ line \($0)" })
        #expect(!grid.text.contains { $0.contains("images  ") || $0.hasPrefix("redis:7  ") })
        #expect(grid.text.dropLast().last == "✔ demo succeeded in 4.2 s")
    }

    @Test("a terminal that becomes narrower leaves no remains of the bars")
    func narrower() throws {
        var screen = PullScreen(style: style)
        var grid = ScreenGrid(columns: 80)
        let images = try (0..<5).map { try SampleRun.image("registry.example.com/team/image-\($0):1") }
        grid.write(screen.handle(.planned(PullSummary(toPull: images, present: [])), now: .zero, size: size))
        for image in images {
            grid.write(screen.handle(.started(image: image, source: nil, attempt: 1), now: .zero, size: size))
        }
        grid.write(screen.tick(now: .seconds(1), size: size))
        #expect(grid.text.count == 7)
        grid.narrow(to: 40)
        #expect(grid.text.count > 7)
        let narrow = TerminalSize(columns: 40, rows: 24)
        let event = SampleRun.progress(images[0], [("a", 1, 2)])
        grid.write(screen.handle(event, now: .seconds(2), size: narrow))
        #expect(grid.text.count == 7)
        #expect(grid.text.allSatisfy { $0.count < 40 })
        grid.write(screen.finish(duration: .seconds(2), size: narrow))
        #expect(grid.text.count == 3)
    }

    @Test("rows fit the screen whatever its size; what does not fit is summed", arguments: [1, 10, 20, 40, 80, 200])
    func rowsFit(columns: Int) throws {
        var board = PullBoard()
        let images = try (0..<30).map { try SampleRun.image("registry.example.com/team/image-\($0):1") }
        board.apply(.planned(PullSummary(toPull: images, present: [])), at: .zero)
        for (index, image) in images.enumerated() {
            board.apply(.started(image: image, source: nil, attempt: 1), at: .zero)
            board.apply(SampleRun.progress(image, [("l\(index)", 5 << 20, 900 << 20)]), at: .seconds(1))
        }
        let theme = Theme(OutputStyle(isLive: true, usesColor: false, usesUnicode: true, columns: columns))
        for rows in [1, 5, 24, 100] {
            let size = TerminalSize(columns: columns, rows: rows)
            let drawn = PullRows(theme: theme).draw(board, size: size, now: .seconds(2))
            #expect(drawn.allSatisfy { DisplayWidth.of($0) < max(columns, 2) })
            #expect(drawn.count <= max(rows / 2, 2))
            if rows == 24, columns >= 40 { #expect(drawn[10] == "and 20 more: 20 pulling, 0 waiting") }
        }
    }

    @Test("a shared layer counts once in the total and in full in each image")
    func sharedLayers() throws {
        var board = PullBoard()
        let images = try ["a:1", "b:1"].map(SampleRun.image)
        board.apply(.planned(PullSummary(toPull: images, present: [])), at: .zero)
        board.apply(SampleRun.progress(images[0], [("base", 40, 100), ("own-a", 10, 10)]), at: .zero)
        board.apply(SampleRun.progress(images[1], [("base", 30, 100), ("own-b", 0, 20)]), at: .zero)
        #expect(board.total == PullBoard.Amount(downloaded: 50, total: 130))
        #expect(board.image(images[1])?.amount == PullBoard.Amount(downloaded: 30, total: 120))
        board.apply(
            .progress(PullProgress(image: images[1], layers: [LayerProgress(layer: "base", state: .exists)])),
            at: .zero
        )
        #expect(board.total == PullBoard.Amount(downloaded: 50, total: 130))
    }

    @Test("rate and time left follow the last seconds, and are not told while a size is unknown")
    func rate() throws {
        var board = PullBoard()
        let images = try ["a:1", "b:1"].map(SampleRun.image)
        board.apply(.planned(PullSummary(toPull: images, present: [])), at: .zero)
        for second in 0...20 {
            let done = Int64(second) * (second > 10 ? 20 : 10)
            board.apply(SampleRun.progress(images[0], [("a", done, 1000)]), at: .seconds(second))
        }
        #expect(board.rate(at: .seconds(20)) == 20)
        #expect(board.timeLeft(at: .seconds(20)) == nil)
        board.apply(SampleRun.pulled(images[1]), at: .seconds(20))
        #expect(board.timeLeft(at: .seconds(20)) == .seconds(30))
        #expect(board.isActive)
        board.apply(SampleRun.pulled(images[0]), at: .seconds(21))
        #expect(!board.isActive)
    }
}
