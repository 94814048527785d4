import Foundation
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The text of daemon.json")
struct DaemonConfigurationTests {
    private let mirror = "http://127.0.0.1:5555"

    private func naming(_ text: String, insteadOf former: String? = nil) throws -> String {
        let configuration = try DaemonConfiguration(Array(text.utf8))
        let new = configuration.naming(try MirrorURL(mirror), insteadOf: try former.map { try MirrorURL($0) })
        return String(decoding: new, as: UTF8.self)
    }

    private func without(_ text: String) throws -> String {
        let configuration = try DaemonConfiguration(Array(text.utf8))
        return String(decoding: configuration.without(try MirrorURL(mirror)), as: UTF8.self)
    }

    private func problem(_ text: String) -> DaemonConfiguration.Problem? {
        do throws(DaemonConfiguration.Problem) {
            _ = try DaemonConfiguration(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "the mirror comes before all others, in the manner of the file, and every other byte stays",
        arguments: [
            ("", "{\n  \"registry-mirrors\": [\"M\"]\n}\n"),
            (" \n", "{\n  \"registry-mirrors\": [\"M\"]\n}\n"),
            ("{}", "{\n  \"registry-mirrors\": [\"M\"]\n}"),
            ("{ }\n", "{\n  \"registry-mirrors\": [\"M\"]\n}\n"),
            ("{\"debug\":true}", "{\"debug\":true,\"registry-mirrors\":[\"M\"]}"),
            ("{\"debug\": true}", "{\"debug\": true, \"registry-mirrors\": [\"M\"]}"),
            ("{\"debug\": 1, \"b\": 2}", "{\"debug\": 1, \"b\": 2, \"registry-mirrors\": [\"M\"]}"),
            (
                "{\n\t\"z\" : {\"a\": [1,  2]},\n\t\"b\" : \"}\"\n}\n",
                "{\n\t\"z\" : {\"a\": [1,  2]},\n\t\"b\" : \"}\",\n\t\"registry-mirrors\" : [\"M\"]\n}\n"
            ),
            ("{\r\n  \"a\": 1\r\n}\r\n", "{\r\n  \"a\": 1,\r\n  \"registry-mirrors\": [\"M\"]\r\n}\r\n"),
            ("{\"registry-mirrors\": []}", "{\"registry-mirrors\": [\"M\"]}"),
            ("{\"registry-mirrors\": null, \"a\": 1}", "{\"registry-mirrors\": [\"M\"], \"a\": 1}"),
            ("{\"registry-mirrors\":[\"https://x/\"]}", "{\"registry-mirrors\":[\"M\", \"https://x/\"]}"),
            (
                "{\"registry-mirrors\": [\n    \"https://x\",\n    \"https://y\"\n  ]}",
                "{\"registry-mirrors\": [\n    \"M\",\n    \"https://x\",\n    \"https://y\"\n  ]}"
            ),
            // Named already, wherever it stands and however it ends.
            ("{\"registry-mirrors\": [\"https://x\", \"M/\"]}", "{\"registry-mirrors\": [\"https://x\", \"M/\"]}"),
        ]
    )
    func naming(_ before: String, _ after: String) throws {
        let (before, after) = (before.replacing("M", with: mirror), after.replacing("M", with: mirror))
        #expect(try naming(before) == after)
        #expect(try naming(after) == after, "twice is once")
        _ = try JSONSerialization.jsonObject(with: Data(after.utf8))
    }

    @Test("another address of the cache takes the place of the former one, once")
    func moved() throws {
        let text = "{\"registry-mirrors\": [\"http://127.0.0.1:6000\", \"https://x\"], \"a\": 1}"
        let after = "{\"registry-mirrors\": [\"\(mirror)\", \"https://x\"], \"a\": 1}"
        #expect(try naming(text, insteadOf: "http://127.0.0.1:6000") == after)
        #expect(try naming(after, insteadOf: "http://127.0.0.1:6000") == after)
        #expect(
            try naming("{\"registry-mirrors\": [\"http://127.0.0.1:6000\"]}", insteadOf: "http://127.0.0.1:6000/")
                == "{\"registry-mirrors\": [\"\(mirror)\"]}"
        )
    }

    @Test(
        "the mirror is taken out of a list, and an empty list stays, which clears the engine's mirrors",
        arguments: [
            ("{\"registry-mirrors\": [\"M\"], \"a\": 1}", "{\"registry-mirrors\": [], \"a\": 1}"),
            ("{\"registry-mirrors\": [\"M\", \"https://x\"]}", "{\"registry-mirrors\": [\"https://x\"]}"),
            ("{\"registry-mirrors\": [\"https://x\", \"M/\"]}", "{\"registry-mirrors\": [\"https://x\"]}"),
            (
                "{\"registry-mirrors\": [\n \"https://x\",\n \"M\",\n \"https://y\"\n]}",
                "{\"registry-mirrors\": [\n \"https://x\",\n \"https://y\"\n]}"
            ),
            ("{\"registry-mirrors\": [\"M\", \"M\"]}", "{\"registry-mirrors\": []}"),
            ("{\"registry-mirrors\": [\"https://x\"]}", "{\"registry-mirrors\": [\"https://x\"]}"),
            ("{\"a\": 1}", "{\"a\": 1}"),
        ]
    )
    func without(_ before: String, _ after: String) throws {
        #expect(try without(before.replacing("M", with: mirror)) == after)
    }

    @Test(
        "what is no JSON is refused, and its place is told",
        arguments: [
            ("{\n  \"a\": 1,\n}", 3, 1), ("{\"a\": 1} {}", 1, 10), ("{\"a\" 1}", 1, 6), ("{\"a\": 01}", 1, 8),
            ("{\"a\": \"\n\"}", 1, 8), ("{\"a\": tru}", 1, 7), ("{\"a\": 1", 1, 8), ("{'a': 1}", 1, 2), ("[1,]", 1, 4),
            ("// x\n{}", 1, 1), ("{\"a\": \"\\q\"}", 1, 7), ("{\"a\": -}", 1, 8), ("{\"ä\": x}", 1, 7),
            ("{\"a\": 1.}", 1, 9), ("{\"a\": \"", 1, 7), ("{\"a\": \"\\", 1, 7), ("\u{FEFF}{}", 1, 1),
            ("{\"a\": NaN}", 1, 7),
        ]
    )
    func notJSON(_ text: String, _ line: Int, _ column: Int) throws {
        guard case .notJSON(let error) = problem(text) else {
            Issue.record("\(String(describing: problem(text)))")
            return
        }
        #expect(error.description.hasPrefix("line \(line), column \(column): "), "\(error)")
    }

    @Test("bytes that are no UTF-8, and nesting without end, are refused")
    func hostile() {
        #expect(throws: DaemonConfiguration.Problem.self) {
            try DaemonConfiguration([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D])
        }
        guard case .notJSON? = problem(String(repeating: "[", count: 1_000_000)) else {
            Issue.record("nesting was followed")
            return
        }
    }

    @Test("a file is refused that two readers would understand in two ways, or that dockerd would refuse")
    func refused() {
        #expect(problem("[]") == .notAnObject)
        #expect(problem("{\"a\": 1, \"\\u0061\": 2}") == .repeatedKey("a"))
        #expect(problem("{\"registry-mirrors\": \"http://x\"}") == .mirrorsAreNoList)
        #expect(problem("{\"registry-mirrors\": [1]}") == .mirrorsAreNoList)
        #expect(problem("{\"registry-mirrors\": [\"x.org\"]}") == .badMirror("x.org", .scheme))
    }

    @Test("whatever the text is, it is read or refused, and an edit of what was read can be read again")
    func fuzz() throws {
        var random = SplitMix64(seed: 20)
        let sample = Array(
            "{\n \"a\": [1, {\"b\": \"\\u00e4\"}], \"registry-mirrors\": [\"https://x\"], \"c\": -1.5e3}".utf8
        )
        var readable = 0
        for _ in 0..<20_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes.remove(at: place)
                } else {
                    bytes[place] = sample.randomElement(using: &random) ?? 0
                }
            }
            let isJSON = (try? JSONSerialization.jsonObject(with: Data(bytes))) is [String: Any]
            guard let configuration = try? DaemonConfiguration(bytes) else { continue }
            readable += 1
            #expect(isJSON, "\(String(decoding: bytes, as: UTF8.self))")
            let after = try DaemonConfiguration(configuration.naming(try MirrorURL(mirror)))
            #expect(after.mirrors == [try MirrorURL(mirror)] + configuration.mirrors.filter { $0.text != mirror })
            let removed = try DaemonConfiguration(after.without(try MirrorURL(mirror)))
            #expect(removed.mirrors == configuration.mirrors)
        }
        #expect(readable > 500)
    }
}
