import Foundation
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Where secrets come from")
struct SecretSourcesTests {
    private func definition(_ secrets: String) throws -> PipelineDefinition {
        let text = "[pipeline]\nsecrets = \(secrets)\n[[pipeline.steps]]\nname = 'x'\nimage = 'x'\n"
        let file = PipelineFile(url: URL(filePath: "/project/roost.toml"))
        let (definition, diagnostics) = PipelineParser.parse(text: text, file: file, environment: [:])
        #expect(!diagnostics.hasErrors)
        return try #require(definition)
    }

    private func step(_ definition: PipelineDefinition) throws -> StepDefinition {
        try #require(definition.steps.first)
    }

    @Test("a secret is the caller's variable, or a file that is named, which wins")
    func sources() async throws {
        try await TemporaryDirectory.with { folder in
            var sources = SecretSources(environment: ["A": "from-variable", "B": "hidden-by-file", "C": "unused"])
            try sources.add(file: "B=" + folder.write("from-file\n", to: "b"))
            try sources.add(file: folder.write("# secrets\nD=from a line = with more\nE=unused\nA\n", to: "lines"))
            let definition = try definition(
                "['A', 'B', { name = 'D', env = 'VARIABLE' }, { name = 'B2', env = false }]"
            )
            try sources.add(file: "B2=" + folder.write("from-other", to: "b2"))
            let secrets = try sources.values(of: definition)
            let files = secrets.files(for: try step(definition))
            #expect(files.map(\.name) == ["A", "B", "B2"])
            // A file is given as it is.
            #expect(
                files.map { String(decoding: $0.value.bytes, as: UTF8.self) } == [
                    "from-variable", "from-file\n", "from-other",
                ]
            )
            #expect(secrets.assignments(for: try step(definition)) == ["VARIABLE=from a line = with more"])
            #expect(
                secrets.mask?.hide(in: "from-variable from-file from a line = with more unused") == "*** *** *** unused"
            )
        }
    }

    @Test("a variable holds the value without the line break at the end of its file")
    func lineBreak() async throws {
        try await TemporaryDirectory.with { folder in
            let definition = try definition("[{ name = 'A', env = true }]")
            for (text, value) in [
                ("one\ntwo\n", "one\ntwo"), ("value\r\n", "value"), ("value\n\n", "value\n"), ("value", "value"),
            ] {
                var sources = SecretSources(environment: [:])
                try sources.add(file: "A=" + folder.write(text, to: "a"))
                #expect(try sources.values(of: definition).assignments(for: step(definition)) == ["A=\(value)"])
            }
        }
    }

    @Test("everything that is missing or wrong is told at once, without a value")
    func problems() async throws {
        try await TemporaryDirectory.with { folder in
            var sources = SecretSources(environment: ["SHORT": " abc\n", "EMPTY": "", "GOOD": "long enough"])
            try sources.add(file: "LARGE=" + folder.write(String(repeating: "x", count: 64 << 10 + 1), to: "large"))
            try sources.add(file: "GONE=" + folder.path("nowhere"))
            try sources.add(file: "FOLDER=" + folder.path)
            try sources.add(file: "DEVICE=/dev/zero")
            try sources.add(file: "PATHLESS=")
            let pathless = #expect(throws: SecretProblem.self) { try sources.add(file: "") }
            #expect(pathless?.description == "--secret-file lacks the path of a file")
            try sources.add(file: "BINARY=" + folder.write("nul \0 nul", to: "binary"))
            let definition = try definition(
                "['GOOD', 'MISSING', 'SHORT', 'EMPTY', 'LARGE', 'GONE', 'FOLDER', 'DEVICE', 'PATHLESS', { name = 'BINARY', env = true }]"
            )
            let error = #expect(throws: SecretsUnavailable.self) { try sources.values(of: definition) }
            #expect(
                error?.description == """
                    the pipeline's secrets are not complete; nothing was run
                      MISSING: is not given; set the variable MISSING, or name a file: --secret-file MISSING=PATH
                      SHORT: has fewer than 4 characters: it could not be masked in a step's output
                      EMPTY: is empty
                      LARGE: \(folder.path)/large has more than 64 KiB, the most that it may have
                      GONE: \(folder.path)/nowhere can't be read: No such file or directory
                      FOLDER: \(folder.path) is a folder
                      DEVICE: /dev/zero is neither a regular file nor a pipe
                      PATHLESS: --secret-file PATHLESS= lacks the path of a file; write --secret-file PATHLESS=PATH
                      BINARY: is not text in UTF-8, so it can be no variable; give it as a file
                    """
            )
        }
    }

    @Test("secrets that are too large together are refused")
    func together() throws {
        let names = (0..<3).map { "S\($0)" }
        let value = String(repeating: "x", count: 60 << 10)
        let sources = SecretSources(environment: Dictionary(uniqueKeysWithValues: names.map { ($0, value) }))
        let error = #expect(throws: SecretsUnavailable.self) {
            try sources.values(of: definition("['S0', 'S1', 'S2']"))
        }
        #expect(error?.description.hasSuffix("\n  all of them together: have more than 128 KiB") == true)
    }

    @Test("a file of lines that can't be read is an error by itself")
    func lines() async throws {
        try await TemporaryDirectory.with { folder in
            var sources = SecretSources(environment: [:])
            #expect(throws: SecretProblem.self) { try sources.add(file: folder.path("nowhere")) }
            let error = #expect(throws: SecretProblem.self) {
                try sources.add(file: folder.write("GOOD=value\nbad name=value-of-it\n", to: "lines"))
            }
            #expect(error?.description.contains("line 2") == true)
            #expect(error?.description.contains("value-of-it") == false)
        }
    }

    @Test("a secret shows in no description, no dump and no interpolation")
    func neverShown() throws {
        let sources = SecretSources(environment: ["TOKEN": "canary-of-it"])
        let secrets = try sources.values(of: definition("['TOKEN']"))
        let value = SecretValue(Array("canary-of-it".utf8))
        for item: Any in [secrets, value, [value], secrets.files(for: try step(definition("['TOKEN']")))] {
            var dumped = ""
            dump(item, to: &dumped)
            for text in [dumped, "\(item)", String(describing: item), String(reflecting: item)] {
                #expect(!text.contains("canary") && !text.contains("99, 97, 110"))
            }
        }
    }
}
