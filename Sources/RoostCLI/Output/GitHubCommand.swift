/// A command to GitHub's runner, as a line of a log: `::name key=value,…::data`.
///
/// The escapes are those of GitHub's own toolkit (actions/toolkit, `packages/core/src/command.ts`).
struct GitHubCommand: Sendable {
    let name: String
    /// In their order; those without a value are left out.
    var properties: [(name: String, value: String)] = []
    var data = ""

    /// The command, ended by a line break.
    var line: String {
        let given = properties.filter { !$0.value.isEmpty }.map { "\($0.name)=\(Self.escaped(property: $0.value))" }
        let head = given.isEmpty ? name : "\(name) " + given.joined(separator: ",")
        return "::\(head)::\(Self.escaped(data))\n"
    }

    private static func escaped(_ text: String) -> String { escaped(text, ["%": "%25", "\r": "%0D", "\n": "%0A"]) }

    private static func escaped(property text: String) -> String {
        escaped(text, ["%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"])
    }

    private static func escaped(_ text: String, _ escapes: [Unicode.Scalar: String]) -> String {
        var output = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let escape = escapes[scalar] { output += escape.unicodeScalars } else { output.append(scalar) }
        }
        return String(output)
    }

    /// Text that is no command, made so that the runner takes none of it for one.
    ///
    /// The runner takes a line for a command that begins with `::` behind blanks, and any line that has `##[` anywhere
    /// (actions/runner, `ActionCommand.cs`): what stands before a step's output is no protection from the second.
    static func neutralised(_ text: String) -> String {
        guard text.contains("::") || text.contains("##[") else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = String(line).replacing("##[", with: "## [")
            if let start = line.unicodeScalars.firstIndex(where: { !$0.properties.isWhitespace }),
                line[start...].hasPrefix("::")
            {
                line.insert(" ", at: line.index(after: start))
            }
            return line
        }.joined(separator: "\n")
    }
}
