package import Foundation
import RoostCore

/// Variables that the caller gives to all steps of a run, beside and over those of the file.
package enum CallerVariables {
    /// The largest file that is read, in bytes.
    package static let largestFile = 1 << 20

    /// Reads `NAME=value`, or `NAME` for the caller's value.
    ///
    /// - Parameters:
    ///   - text: What the caller wrote.
    ///   - environment: The caller's environment.
    /// - Returns: The variable.
    /// - Throws: ``Problem``; a name without a value that is not set is one, as in the file.
    package static func parse(
        _ text: String,
        environment: [String: String]
    ) throws(Problem) -> EnvironmentVariable {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts.first ?? "")
        if let problem = PipelineRules.problem(inVariable: name) { throw Problem(description: problem) }
        guard parts.count < 2 else { return EnvironmentVariable(name: name, value: String(parts[1])) }
        guard let value = environment[name] else {
            throw Problem(description: "\(name) is not set in the environment; set it, or give it a value: \(name)=…")
        }
        return EnvironmentVariable(name: name, value: value, isInherited: true)
    }

    /// Reads the lines of a file as `docker run --env-file` does: `NAME=value` to the end of the line, quotes included;
    /// `NAME` for the caller's value where it is set; blank lines and lines that begin with `#` say nothing.
    ///
    /// - Parameters:
    ///   - data: The bytes of the file.
    ///   - environment: The caller's environment.
    /// - Returns: The variables in the order of the file.
    /// - Throws: ``Problem`` with the line.
    package static func parse(
        file data: Data,
        environment: [String: String]
    ) throws(Problem) -> [EnvironmentVariable] {
        guard data.count <= largestFile else {
            throw Problem(description: "is larger than \(ByteCount(Int64(largestFile)))")
        }
        guard var text = String(validating: data, as: UTF8.self) else { throw Problem(description: "is not UTF-8") }
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        var variables: [EnvironmentVariable] = []
        for (index, line) in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var line = line.drop { $0.properties.isWhitespace }
            if line.last == "\r" { line = line.dropLast() }
            guard let first = line.first, first != "#" else { continue }
            let name = String(line.prefix { $0 != "=" })
            if let problem = PipelineRules.problem(inVariable: name) ?? problem(inValue: line) {
                throw Problem(description: "line \(index + 1): \(problem)")
            }
            if line.contains("=") {
                let value = String(line.drop { $0 != "=" }.dropFirst())
                variables.append(EnvironmentVariable(name: name, value: value))
            } else if let value = environment[name] {
                variables.append(EnvironmentVariable(name: name, value: value, isInherited: true))
            }
        }
        return variables
    }

    /// The value is never part of a message.
    private static func problem(inValue line: Substring.UnicodeScalarView) -> String? {
        line.contains("\0") ? "a value cannot hold a NUL" : nil
    }

    /// Text that gives no variable.
    package struct Problem: Error, Hashable, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }
}

extension PipelineDefinition {
    /// The pipeline whose steps all have these variables too; the last of a name wins, and all win over the file's.
    package func adding(_ variables: [EnvironmentVariable]) -> PipelineDefinition {
        guard !variables.isEmpty else { return self }
        let stages = stages.map { stage in
            var stage = stage
            for index in stage.steps.indices {
                var values: [String: EnvironmentVariable] = [:]
                var names: [String] = []
                for variable in stage.steps[index].env + variables {
                    if values.updateValue(variable, forKey: variable.name) == nil { names.append(variable.name) }
                }
                stage.steps[index].env = names.compactMap { values[$0] }
            }
            return stage
        }
        return PipelineDefinition(
            name: name,
            file: file,
            stages: stages,
            maxParallel: maxParallel,
            memoryBudget: memoryBudget,
            workspace: workspace
        )
    }
}
