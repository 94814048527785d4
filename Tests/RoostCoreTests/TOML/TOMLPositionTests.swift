import RoostCore
import Testing

@Suite("Places of keys in TOML")
struct TOMLPositionTests {
    /// Every key and element of a document with its place, in the order of the document.
    private func places(_ text: String) throws -> [String] {
        let (document, diagnostics) = TOMLDocument.parse(text, file: "f.toml")
        #expect(diagnostics.isEmpty)
        var found: [String] = []
        try visit(.table(#require(document).root)) { node in
            found.append("\(node.path)@\(node.position.map { "\($0.line):\($0.column)" } ?? "?")")
        }
        return found
    }

    private func visit(_ value: TOMLNode.Value, _ body: (TOMLNode) -> Void) {
        let nodes =
            switch value {
            case .table(let table): table.entries.map(\.node)
            case .array(let elements): elements
            default: [TOMLNode]()
            }
        for node in nodes {
            body(node)
            visit(node.value, body)
        }
    }

    @Test("keys keep the order and the places of the file")
    func order() throws {
        #expect(try places("z = 1\na = 2\n\n  m = 3 # x\n") == ["z@1:1", "a@2:1", "m@4:3"])
    }

    @Test("headers give a table its place, also after its parts were named")
    func headers() throws {
        #expect(
            try places("[b.c]\nx=1\n[ b ]\ny=2\n[a]\n")
                == ["b@3:3", "b.c@1:4", "b.c.x@2:1", "b.y@4:1", "a@5:2"]
        )
    }

    @Test("dotted and quoted keys are followed, escapes and all")
    func dotted() throws {
        #expect(
            try places("a.\"b c\" . 'd.e' = 1\n\"\\u0066\" = 2\n\"Main \\\"X\\\"\".y = 3\n")
                == [
                    "a@1:1", "a.\"b c\"@1:3", "a.\"b c\".\"d.e\"@1:11", "f@2:1", "\"Main \\\"X\\\"\"@3:1",
                    "\"Main \\\"X\\\"\".y@3:14",
                ]
        )
    }

    @Test("elements of arrays of tables are told apart, with what is beneath each")
    func arraysOfTables() throws {
        #expect(
            try places("[[a.s]]\nn=1\n[a.s.t]\nu=1\n[[a.s]]\nn=2\n[a.s.t]\nu=2\n")
                == [
                    "a@1:3", "a.s@1:5", "a.s[0]@1:5", "a.s[0].n@2:1", "a.s[0].t@3:6", "a.s[0].t.u@4:1", "a.s[1]@5:5",
                    "a.s[1].n@6:1", "a.s[1].t@7:6", "a.s[1].t.u@8:1",
                ]
        )
    }

    @Test("inline tables and arrays over many lines are followed")
    func inline() throws {
        let text = "a = [ # one\n  1, \"]\",\n  { b = 'x}', c.d = [] },\n]\nt = { u = {v=1}, w=\"\" }\n"
        #expect(
            try places(text)
                == [
                    "a@1:1", "a[0]@2:3", "a[1]@2:6", "a[2]@3:3", "a[2].b@3:5", "a[2].c@3:15", "a[2].c.d@3:17", "t@5:1",
                    "t.u@5:7", "t.u.v@5:12", "t.w@5:18",
                ]
        )
    }

    @Test("what looks like keys within strings and comments is none")
    func strings() throws {
        let text = "a = \"\"\"\nb = 1\n[c]\\\"\"\"\"\"\"\nd = '''\ne = 2'''''\n# f = 1\ng = \"#\\\"\" # h = 1\n"
        #expect(try places(text) == ["a@1:1", "d@4:1", "g@7:1"])
    }

    @Test("line breaks of Windows, a byte order mark, dates with blanks and wide letters leave the places right")
    func encodings() throws {
        #expect(
            try places("\u{feff}a = 1\r\n\"雪é\" = 2\r\nb = { \"雪é👩🏽‍🚀\" = 1979-05-27 07:32:00, c = -1e9 }\r\n")
                == ["a@1:1", "\"雪é\"@2:1", "b@3:1", "b.\"雪é👩🏽\\u{200d}🚀\"@3:7", "b.c@3:39"]
        )
    }

    @Test("keys that are the same only by Unicode's rules are two keys")
    func canonicalEquivalence() throws {
        let (document, _) = TOMLDocument.parse("\"e\\u0301\" = 1\n\"\\u00e9\" = 2\n", file: "f")
        #expect(document?.root.entries.map { $0.node.position?.line } == [1, 2])
    }
}
