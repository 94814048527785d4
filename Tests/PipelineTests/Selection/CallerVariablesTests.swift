import Foundation
import Testing

@testable import Pipeline

@Suite("Variables of the caller")
struct CallerVariablesTests {
    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> [String] {
        try CallerVariables.parse(file: Data(text.utf8), environment: environment).map(\.assignment)
    }

    private func problem(_ text: String) -> String? {
        do {
            _ = try CallerVariables.parse(file: Data(text.utf8), environment: [:])
            return nil
        } catch {
            return error.description
        }
    }

    @Test("a file is read as Docker's client reads it")
    func file() throws {
        let text = "\u{FEFF}# a remark\n\n  A=1\r\nB= two words \nC=\"quoted\"\nD=x=y\nE=\nSET\nUNSET\n\t# another"
        #expect(
            try read(text, ["SET": "mine"]) == ["A=1", "B= two words ", "C=\"quoted\"", "D=x=y", "E=", "SET=mine"]
        )
    }

    @Test("what is no variable is told with its line, and never with its value")
    func problems() {
        #expect(problem("A=1\n=secret") == "line 2: a variable's name cannot be empty")
        #expect(problem("A B=secret")?.hasPrefix("line 1: a variable's name cannot hold") == true)
        #expect(problem("A B=secret")?.contains("secret") == false)
        #expect(problem("A=sec\0ret") == "line 1: a value cannot hold a NUL")
        #expect(throws: CallerVariables.Problem.self) {
            try CallerVariables.parse(file: Data([0xFF, 0x0A]), environment: [:])
        }
        #expect(throws: CallerVariables.Problem.self) {
            try CallerVariables.parse(file: Data(count: CallerVariables.largestFile + 1), environment: [:])
        }
    }

    @Test("a name alone takes the caller's value, and is an error where there is none")
    func flags() throws {
        #expect(try CallerVariables.parse("A=b=c", environment: [:]).assignment == "A=b=c")
        #expect(try CallerVariables.parse("A", environment: ["A": "x"]).assignment == "A=x")
        #expect(throws: CallerVariables.Problem.self) { try CallerVariables.parse("A", environment: [:]) }
        #expect(throws: CallerVariables.Problem.self) { try CallerVariables.parse("=x", environment: [:]) }
    }

    @Test("the caller's variables win over the file's, the last over the first, and reach every step")
    func adding() throws {
        let text = """
            stages_order = ["s"]
            [stages.s.steps.a]
            image = "a"
            env = ["X=file", "Y=file"]
            [stages.s.steps.b]
            image = "a"
            """
        let definition = try #require(parsePipeline(text).definition)
        let added = definition.adding(
            ["X=1", "Z=1", "X=2"].compactMap { try? CallerVariables.parse($0, environment: [:]) }
        )
        #expect(added.steps.map { $0.env.map(\.assignment) } == [["X=2", "Y=file", "Z=1"], ["X=2", "Z=1"]])
        #expect(definition.adding([]) == definition)
    }
}
