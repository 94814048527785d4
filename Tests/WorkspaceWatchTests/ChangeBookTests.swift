import Testing

@testable import WorkspaceWatch

@Suite("Which changes run a pipeline again")
struct ChangeBookTests {
    private let start = ContinuousClock.now

    @Test("between runs every change counts, once each, and settles after a silence")
    func idle() {
        var book = ChangeBook()
        #expect(book.settlesAt == nil)
        book.take(Change("a", wasThere: true), at: start)
        #expect(book.settlesAt == start + ChangeBook.silence)
        book.take(Change("new", wasThere: false), at: start + .milliseconds(150))
        book.take(Change("a", wasThere: true), at: start + .milliseconds(300))
        #expect(book.settlesAt == start + .milliseconds(300) + ChangeBook.silence)
        #expect(book.takePending() == ["a", "new"])
        #expect(book.settlesAt == nil && book.takePending().isEmpty)
    }

    @Test("whoever writes all the time does not put a run off for ever")
    func noSilence() {
        var book = ChangeBook()
        for step in 0..<100 { book.take(Change("log", wasThere: true), at: start + .milliseconds(100) * step) }
        #expect(book.settlesAt == start + ChangeBook.mostPatience)
    }

    @Test("what comes into being during a run is the run's, with all that it holds, then and later")
    func newDuringRun() {
        var book = ChangeBook()
        for _ in 0..<2 {
            book.beginRun()
            book.take(Change("out", wasThere: false), at: start)
            book.take(Change("out", wasThere: true), at: start)
            book.take(Change("out/a/b", wasThere: true), at: start)
            #expect(book.endRun().isEmpty)
            #expect(book.settlesAt == nil)
        }
        book.take(Change("out/a/b", wasThere: true), at: start)
        #expect(book.takePending() == ["out/a/b"], "between runs it counts")
        book.beginRun()
        book.take(Change("outer", wasThere: true), at: start)
        _ = book.endRun()
        #expect(book.takePending() == ["outer"], "a name that begins alike is another")
    }

    @Test(
        "a file that was there and changes during a run counts once; where the next run changes it too, it is the runs' own"
    )
    func rewrittenByRuns() {
        var book = ChangeBook()
        func run() -> (learned: [String], pending: [String]) {
            book.beginRun()
            book.take(Change("result", wasThere: true), at: start)
            return (book.endRun(), book.takePending())
        }
        let first = run()
        #expect(first.learned.isEmpty && first.pending == ["result"])
        let second = run()
        #expect(second.learned == ["result"] && second.pending.isEmpty)
        let third = run()
        #expect(third.learned.isEmpty && third.pending.isEmpty)
    }

    @Test("a file that a person changes during a run, and again between runs, stays the person's")
    func editedTwice() {
        var book = ChangeBook()
        for _ in 0..<5 {
            book.beginRun()
            book.take(Change("main.c", wasThere: true), at: start)
            #expect(book.endRun().isEmpty)
            book.take(Change("main.c", wasThere: true), at: start)
            #expect(book.takePending() == ["main.c"])
        }
    }

    @Test("an editor that moves a file away and writes it anew during a run has changed it")
    func replacedDuringRun() {
        var book = ChangeBook()
        book.beginRun()
        book.take(Change("main.c", wasThere: true), at: start)
        book.take(Change("main.c", wasThere: false), at: start)
        _ = book.endRun()
        #expect(book.takePending() == ["main.c"])
    }

    @Test("an overflow counts as a change, but does not keep runs going that overflow each time")
    func overflow() {
        var book = ChangeBook()
        var runs = 0
        repeat {
            book.beginRun()
            book.take(.everything, at: start)
            _ = book.endRun()
            runs += 1
        } while !book.takePending().isEmpty && runs < 10
        #expect(runs == 2)
        book.take(.everything, at: start)
        #expect(book.takePending() == [""])
    }

    @Test("whatever changes in runs, and in whatever order: runs end, and no change between runs is lost")
    func anyOrder() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var book = ChangeBook()
            let paths = ["a", "a/b", "a/b/c", "d", "e/f", ""]
            // What the runs of this pipeline change, each time.
            let own = (0..<4).map { _ in
                Change(paths.randomElement(using: &generator) ?? "a", wasThere: Bool.random(using: &generator))
            }
            var runs = 0
            repeat {
                book.beginRun()
                for change in own.shuffled(using: &generator) { book.take(change, at: start) }
                _ = book.endRun()
                runs += 1
            } while !book.takePending().isEmpty && runs < 50
            #expect(runs <= 1 + Set(own.map(\.path)).count, "\(own)")
            let edited = paths.randomElement(using: &generator) ?? "a"
            book.take(Change(edited, wasThere: true), at: start)
            #expect(book.takePending() == [edited])
        }
    }
}
