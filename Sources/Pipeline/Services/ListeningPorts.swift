/// What the kernel says of the TCP sockets of one network namespace: `/proc/PID/net/tcp` and `tcp6` (proc(5)).
///
/// A socket that listens is what makes a port usable. No connection is made to find that out, so that a service which
/// serves one client only, or notes each in its log, is left alone.
enum ListeningPorts {
    /// Whether other containers can connect to a port.
    ///
    /// - Parameters:
    ///   - port: The port.
    ///   - table: The content of one of the two files.
    /// - Returns: False also where it listens for its own container alone, at a loopback address.
    static func accepts(_ port: Int, in table: String) -> Bool {
        table.split(separator: "\n").dropFirst().contains { line in
            let fields = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: true)
            guard fields.count > 3, fields[3] == "0A" else { return false }
            let local = fields[1].split(separator: ":", omittingEmptySubsequences: false)
            return local.count == 2 && Int(local[1], radix: 16) == port && isReachable(local[0])
        }
    }

    /// An address as the kernel writes it: words of four bytes, each in the order of a little-endian machine.
    private static func isReachable(_ address: Substring) -> Bool {
        switch address.utf8.count {
        case 8: return !address.hasSuffix("7F")
        case 32:
            let mapped = "0000000000000000FFFF0000"
            if address.hasPrefix(mapped) { return isReachable(address.dropFirst(mapped.count)) }
            return address != "00000000000000000000000001000000"
        default: return false
        }
    }

    /// The command that finds the same in a container, for one on another machine: `grep` is in nearly every image.
    ///
    /// - Parameter port: The port.
    /// - Returns: Program and arguments; it exits with 0 where the port can be connected to.
    static func command(for port: Int) -> [String] {
        let digits = String(port, radix: 16, uppercase: true)
        let number = String(repeating: "0", count: 4 - digits.count) + digits
        // The last byte comes first in the number of an address, so that 127 is at its end.
        let reachable4 = "[0-9A-F]{6}([0-68-9A-F][0-9A-F]|7[0-9A-E])"
        let addresses = [
            "(0{16}FFFF0{4})?\(reachable4)",
            "0{32}",
            // An address other than ::1 and those that begin with zeros, which stand for one of the above.
            "[0-9A-F]{0,7}[1-9A-F][0-9A-F]{24,31}",
        ]
        return [
            "grep", "-qE", "^ *[0-9]+: (\(addresses.joined(separator: "|"))):\(number) [0-9A-F]+:0000 0A ",
            "/proc/net/tcp",
            "/proc/net/tcp6",
        ]
    }
}
