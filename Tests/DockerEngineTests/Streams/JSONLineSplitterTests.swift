import Foundation
import NIOCore
import Testing

@testable import DockerEngine

@Suite("Splitting a stream of JSON documents into lines")
struct JSONLineSplitterTests {
    private func split(_ chunks: [ByteBuffer]) throws -> [String] {
        var splitter = JSONLineSplitter()
        var lines: [Data] = []
        for chunk in chunks { lines += try splitter.split(chunk) }
        if let rest = splitter.finish() { lines.append(rest) }
        return lines.map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    @Test("the lines are the same, wherever the bytes are cut in two", arguments: ["\n", "\r\n"])
    func everySplit(lineBreak: String) throws {
        let lines = [#"{"status":"zwölf"}"#, "{}", #"{"a":"\n"}"#]
        for end in [lineBreak, ""] {
            let bytes = ByteBuffer(string: lines.joined(separator: lineBreak + lineBreak) + end)
            for cut in 0...bytes.readableBytes {
                let first = try #require(bytes.getSlice(at: 0, length: cut))
                let second = try #require(bytes.getSlice(at: cut, length: bytes.readableBytes - cut))
                #expect(try split([first, second]) == lines, "cut at \(cut)")
            }
        }
    }

    @Test("lines come as soon as they are complete")
    func atOnce() throws {
        var splitter = JSONLineSplitter()
        #expect(try splitter.split(ByteBuffer(string: "{}\n{\"a\"")).count == 1)
        #expect(try splitter.split(ByteBuffer(string: ":1}\n")).count == 1)
        #expect(splitter.finish() == nil)
    }

    @Test("blank lines are none")
    func blank() throws {
        #expect(try split([ByteBuffer(string: "\n\r\n \t\n{}\n  ")]) == ["{}"])
    }

    @Test("a line without an end is refused before it fills the memory")
    func tooLong() throws {
        var splitter = JSONLineSplitter()
        let chunk = ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<4 { #expect(try splitter.split(chunk).isEmpty) }
        #expect(throws: JSONLineSplitter.LineTooLong.self) { try splitter.split(chunk) }
    }
}
