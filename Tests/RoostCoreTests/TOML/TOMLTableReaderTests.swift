import RoostCore
import Testing

@Suite("Reading tables by kind")
struct TOMLTableReaderTests {
    private enum Colour: String, CaseIterable { case red, green }

    private func reader(_ text: String) throws -> TOMLTableReader {
        let document = try #require(TOMLDocument.parse(text, file: "f").document)
        return TOMLTableReader(document.root, collector: DiagnosticCollector(file: "f"))
    }

    private func messages(_ reader: TOMLTableReader) -> [String] {
        reader.collector.diagnostics.map(\.description)
    }

    @Test("values of the right kind are read, and a number does for a size and a duration")
    func right() throws {
        let reader = try reader(
            """
            s = "x"
            b = true
            i = 5
            l = ["a", "b"]
            m = "512mb"
            n = 1024
            d = "1h30m"
            e = 90
            c = "green"
            [t]
            x = 1
            """
        )
        #expect(reader.string("s")?.value == "x")
        #expect(reader.boolean("b")?.value == true)
        #expect(reader.integer("i", in: 1...5)?.value == 5)
        #expect(reader.strings("l")?.value.map(\.value) == ["a", "b"])
        #expect(reader.byteCount("m")?.value == .mebibytes(512))
        #expect(reader.byteCount("n")?.value == ByteCount(1024))
        #expect(reader.duration("d")?.value == .seconds(5400))
        #expect(reader.duration("e")?.value == .seconds(90))
        #expect(reader.choice("c", of: Colour.self)?.value == .green)
        let table = try #require(reader.table("t"))
        #expect(table.integer("x", in: 0...1)?.position == SourcePosition(line: 11, column: 1))
        table.finish()
        #expect(reader.string("absent") == nil)
        reader.finish()
        #expect(messages(reader).isEmpty)
    }

    @Test("each value of another kind is told: what was found and what was expected")
    func wrong() throws {
        let reader = try reader(
            """
            s = 1
            b = "yes"
            i = 6
            l = ["a", 1, { x = 1 }]
            m = "512xb"
            d = 1979-05-27
            c = "gren"
            t = []
            a = [1, { y = 1 }]
            n = -1
            """
        )
        #expect(reader.string("s") == nil)
        #expect(reader.boolean("b") == nil)
        #expect(reader.integer("i", in: 1...5) == nil)
        #expect(reader.strings("l") == nil)
        #expect(reader.byteCount("m") == nil)
        #expect(reader.duration("d") == nil)
        #expect(reader.choice("c", of: Colour.self) == nil)
        #expect(reader.table("t") == nil)
        #expect(reader.tables("a")?.value.count == 1)
        #expect(reader.byteCount("n") == nil)
        reader.finish()
        #expect(
            messages(reader) == [
                "f:1:1: error: s: expected a string, found the number 1",
                "f:2:1: error: b: expected true or false, found the string \"yes\"",
                "f:3:1: error: i: expected a whole number from 1 to 5, found the number 6",
                "f:4:11: error: l[1]: expected a string, found the number 1",
                "f:4:14: error: l[2]: expected a string, found a table",
                "f:5:1: error: m: expected a size such as \"512mb\" or \"2gb\", found the string \"512xb\"",
                "f:6:1: error: d: expected a duration such as \"90s\", \"10m\" or \"1h30m\", found a date or time",
                "f:7:1: error: c: expected one of \"red\", \"green\", found the string \"gren\"; did you mean \"green\"?",
                "f:8:1: error: t: expected a table, found a list",
                "f:9:6: error: a[0]: expected a table, found the number 1",
                "f:10:1: error: n: expected a size such as \"512mb\" or \"2gb\", found the number -1",
            ]
        )
    }

    @Test("unknown keys name the nearest known one, else the known ones; refused keys are told once")
    func unknown() throws {
        let reader = try reader("memroy = 1\nzzz = 2\nlater = 3\n")
        _ = reader.string("image")
        _ = reader.byteCount("memory")
        reader.refuse(["later", "absent"]) { "`\($0)` is for later" }
        reader.finish()
        #expect(
            messages(reader) == [
                "f:3:1: error: later: `later` is for later",
                "f:1:1: error: memroy: unknown key; did you mean 'memory'?",
                "f:2:1: error: zzz: unknown key; known here: image, memory",
            ]
        )
    }
}
