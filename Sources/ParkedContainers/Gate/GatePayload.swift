package import NIOCore
import RoostCore

/// What a gate reads: shell text that turns it into a command, and the line that ends it.
///
/// Every value stands in single quotes, where a shell gives no character a meaning but the quote. No line of a value can
/// be taken for the last one, since each begins with two quotes.
package struct GatePayload: Sendable, Hashable {
    /// Why a command can't be released through a gate; an unparked start is what remains.
    package enum Refusal: Error, Hashable, CustomStringConvertible {
        case noProgram
        /// Shells take a program whose name begins with a dash for an option.
        case unusableProgram(String)
        /// Shells export only letters, digits and underscores.
        case unusableName(String)
        case relativeWorkingDirectory(String)
        /// No argument, variable or path of a process can hold one.
        case nulByte
        case tooLong(bytes: Int)

        package var description: String {
            switch self {
            case .noProgram: "there is no program to run"
            case .unusableProgram(let name): "a shell can't run a program called \(PrintableText.quoted(name))"
            case .unusableName(let name): "a shell can't export a variable called \(PrintableText.quoted(name))"
            case .relativeWorkingDirectory(let path):
                "the working directory \(PrintableText.quoted(path)) does not begin with '/'"
            case .nulByte: "a NUL byte can't be handed to a program"
            case .tooLong(let bytes):
                "\(ByteCount(Int64(bytes))) are more than a gate takes (\(ByteCount(Int64(maximumBytes)))); "
                    + "hand large data over in a file"
            }
        }
    }

    /// A shell reads byte by byte: this much takes it about a tenth of a second, longer than a start saves beyond.
    package static let maximumBytes = 100_000

    package let bytes: ByteBuffer

    /// - Parameters:
    ///   - command: What to become.
    ///   - gate: The gate that is to read it.
    /// - Throws: ``Refusal``.
    package init(_ command: ReleasedCommand, for gate: ContainerGate) throws(Refusal) {
        let text = try Self.text(of: command) + gate.nonce + "\n"
        guard text.utf8.count <= Self.maximumBytes else { throw .tooLong(bytes: text.utf8.count) }
        bytes = ByteBuffer(string: text)
    }

    /// The shell text alone.
    ///
    /// Whatever fails in it before the marks are printed ends the gate with its own exit code, so that the command counts
    /// as not begun.
    static func text(of command: ReleasedCommand) throws(Refusal) -> String {
        guard let program = command.arguments.first, !program.isEmpty else { throw .noProgram }
        guard !program.hasPrefix("-") else { throw .unusableProgram(program) }
        let values = command.arguments + command.environment.map(\.value) + [command.workingDirectory ?? ""]
        guard !values.contains(where: { $0.utf8.contains(0) }) else { throw .nulByte }
        var text = "trap 'exit \(ContainerGate.codeWithoutCommand)' 0\n"
        for (name, value) in command.environment {
            guard isName(name) else { throw .unusableName(name) }
            text += "export \(name)=\(quote(value))\n"
        }
        if let directory = command.workingDirectory {
            guard directory.hasPrefix("/") else { throw .relativeWorkingDirectory(directory) }
            // What the shell remembers of its directories would be seen by the command, which has only ever been in one.
            text += "cd \(quote(directory))||exit \(ContainerGate.codeWithoutCommand)\nunset PWD OLDPWD\n"
        }
        // One mark on each stream, since the two are not in any order: what comes after it is the command's.
        text += "exec </dev/null\ntrap - 0\necho \"$0\";echo \"$0\" >&2\n"
        return text + "exec " + command.arguments.map(quote).joined(separator: " ") + "\n"
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name != ContainerGate.text && name != ContainerGate.line
            && name.utf8.allSatisfy {
                $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
            }
    }

    /// By bytes: to Swift a line break and the character before it can be one.
    private static func quote(_ text: String) -> String {
        var quoted: [UInt8] = [39]
        for byte in text.utf8 {
            switch byte {
            case 39: quoted += Array("'\\''".utf8)
            case 10: quoted += Array("\n''".utf8)
            default: quoted.append(byte)
            }
        }
        return String(decoding: quoted + [39], as: UTF8.self)
    }
}
