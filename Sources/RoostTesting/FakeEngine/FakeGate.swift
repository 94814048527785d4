/// The gate of a container that is parked, as the fake engine plays the shell that runs it: it knows the script by its shape,
/// and becomes what comes by stdin.
struct FakeGate: Sendable {
    /// The line that ends what the gate reads, and marks the command's begin on each stream.
    let nonce: String
    /// As the shell of a real gate.
    static let codeWithoutCommand = 125

    /// `nil` for a container that has no gate.
    init?(_ request: FakeEngine.ContainerRequest) {
        let arguments = request.arguments
        guard request.openStdin, arguments.count == 4, arguments[1] == "-c", arguments[2].contains("IFS= read -r"),
            arguments[3].utf8.count == 32
        else { return nil }
        nonce = arguments[3]
    }

    /// The program and its arguments of a payload, whose last line is `exec 'PROGRAM' 'ARGUMENT'…`.
    static func command(in payload: String) -> [String]? {
        guard let exec = payload.ranges(of: "\nexec '").last else { return nil }
        var arguments: [String] = []
        var current: String?
        var isQuoted = false
        var isEscaped = false
        for character in payload[exec.lowerBound...].dropFirst("\nexec ".count) {
            if isEscaped {
                current = (current ?? "") + String(character)
                isEscaped = false
            } else if isQuoted {
                if character == "'" { isQuoted = false } else { current = (current ?? "") + String(character) }
            } else {
                switch character {
                case "'":
                    isQuoted = true
                    current = current ?? ""
                case "\\": isEscaped = true
                default:
                    if let word = current.take() { arguments.append(word) }
                }
            }
        }
        if let word = current { arguments.append(word) }
        return arguments.isEmpty ? nil : arguments
    }
}
