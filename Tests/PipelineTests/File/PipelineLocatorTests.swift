import Foundation
import Pipeline
import RoostCore
import RoostTesting
import Testing

@Suite("Finding the pipeline file")
struct PipelineLocatorTests {
    @Test("roost.toml is taken before ciroach.toml, and the nearest folder before both")
    func nearest() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write("", to: "roost.toml")
            try directory.write("", to: "a/ciroach.toml")
            try directory.write("", to: "a/b/c/keep")
            let find = { (folder: String) in
                try PipelineLocator.find(from: URL(fileURLWithPath: directory.path(folder), isDirectory: true))
            }
            #expect(try find("").shownName == "roost.toml")
            #expect(try find("a").shownName == "ciroach.toml")
            let deep = try find("a/b/c")
            #expect(deep.shownName == "../../ciroach.toml")
            #expect(deep.projectFolder.path == directory.path("a"))
            try directory.write("", to: "a/roost.toml")
            #expect(try find("a/b/c").shownName == "../../roost.toml")
        }
    }

    @Test("a folder of that name is no file, and the error says where it was looked")
    func none() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write("", to: "a/roost.toml/x")
            let start = directory.path("a")
            let error = #expect(throws: PipelineNotFound.self) {
                try PipelineLocator.find(from: URL(fileURLWithPath: start, isDirectory: true))
            }
            #expect(error?.searched.first == start)
            #expect(error?.searched.last == "/")
            #expect(
                error?.description.contains("no roost.toml or ciroach.toml in \(start), nor in any folder above it")
                    == true
            )
        }
    }

    @Test("a file is read as it is; what is no text, or not there, is an error with the file's name")
    func reading() async throws {
        try await TemporaryDirectory.with { directory in
            try directory.write("a = \"é\"\r\n", to: "roost.toml")
            try Data([0x61, 0xff]).write(to: directory.url.appendingPathComponent("binary"))
            let read = { (name: String) in
                try PipelineLocator.read(PipelineLocator.file(named: name, from: directory.url))
            }
            #expect(try read("roost.toml") == "a = \"é\"\r\n")
            #expect(#expect(throws: PipelineFileUnreadable.self) { try read("binary") }?.problem == .notUTF8)
            let missing = #expect(throws: PipelineFileUnreadable.self) { try read("./none.toml") }
            #expect(missing?.problem == .unreadable)
            #expect(missing?.description.hasPrefix("./none.toml: cannot be read") == true)
            #expect(#expect(throws: PipelineFileUnreadable.self) { try read(".") }?.problem == .unreadable)
        }
    }

    @Test("of an endless file only so much is read that it is refused for its size")
    func endless() throws {
        let file = PipelineLocator.file(named: "/dev/zero", from: URL(fileURLWithPath: "/"))
        let text = try PipelineLocator.read(file)
        let (definition, diagnostics) = PipelineParser.parse(text: text, file: file, environment: [:])
        #expect(definition == nil)
        #expect(diagnostics.map(\.message) == ["the file is larger than 1 MiB, which is the most that is read"])
    }
}
