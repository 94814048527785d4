/// What a parked container waits behind: a small shell script as its entry point, which reads on its stdin what to do
/// and becomes that.
///
/// The work comes late, so that neither the command nor its environment have to be known when the container is made, and
/// what comes by stdin is in no inspection, log or image.
package struct ContainerGate: Sendable, Hashable {
    /// The line that ends what the gate reads; nobody can guess it.
    package let nonce: String

    /// A gate of its own for one container.
    package init() {
        var generator = SystemRandomNumberGenerator()
        let words = (0..<2).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        nonce = words.joined()
    }

    /// The gate of a container that was parked before, perhaps by another process.
    ///
    /// - Parameter nonce: As it was; `nil` comes back for what can't be one.
    package init?(nonce: String) {
        guard nonce.utf8.count == 32, nonce.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else {
            return nil
        }
        self.nonce = nonce
    }

    /// The gate of a container by what it was made with.
    ///
    /// - Parameter entrypoint: The container's; `nil` comes back where that is no gate.
    package init?(entrypoint: [String]) {
        guard let last = entrypoint.last, let gate = ContainerGate(nonce: last), gate.entrypoint == entrypoint else {
            return nil
        }
        self = gate
    }

    /// The exit code of a gate that ends without having become the command: its stdin ended, or a part of what it read
    /// could not be done. Only the gate's marks tell it from a command that exits so.
    package static let codeWithoutCommand = 125

    /// The shell, by its absolute path: the image's own.
    package static let shell = "/bin/sh"

    var entrypoint: [String] { [Self.shell, "-c", Self.script, nonce] }

    /// Means the same to dash, bash and busybox.
    ///
    /// As process 1 the shell has to handle TERM itself, or every stop would take the whole grace. `read` takes single
    /// bytes, so that nothing is lost after the last line; the shell is left as it was found, so that a command sees no
    /// difference.
    private static let script = """
        trap 'exit 143' TERM INT HUP;\(text)=;while IFS= read -r \(line)||exit \(codeWithoutCommand)
        [ "$\(line)" != "$0" ];do \(text)="$\(text)$\(line)
        ";done;unset \(line);trap - TERM INT HUP;eval "unset \(text) SHLVL;$\(text)"
        """

    /// The script's own variables, named so that no image has them.
    static let text = "__roost_text"
    static let line = "__roost_line"
}
