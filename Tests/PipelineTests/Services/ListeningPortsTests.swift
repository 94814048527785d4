import Foundation
import Testing

@testable import Pipeline

@Suite("Ports that a container listens at")
struct ListeningPortsTests {
    private static let rows: [(row: String, isReachable: Bool)] = [
        // Any address.
        ("   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1", true),
        ("   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0 1", true),
        // One address of its own: 172.18.0.2, 127 in another place, 2001:db8::1, fe80::1.
        ("   1: 020012AC:1F90 00000000:0000 0A 0 1", true),
        ("   1: 0100007E:1F90 00000000:0000 0A 0 1", true),
        ("   1: 7F000001:1F90 00000000:0000 0A 0 1", true),
        ("   1: B80D0120000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0 1", true),
        ("   1: 000080FE000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0 1", true),
        ("   1: 0000000000000000FFFF0000020012AC:1F90 00000000000000000000000000000000:0000 0A 0 1", true),
        // Loopback: nobody else can come in.
        ("   2: 0100007F:1F90 00000000:0000 0A 0 1", false),
        ("   2: 0B00007F:1F90 00000000:0000 0A 0 1", false),
        ("   2: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0 1", false),
        ("   2: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0 1", false),
        // Another port; a connection; a connection to that port.
        ("   3: 00000000:1F91 00000000:0000 0A 0 1", false),
        ("   3: 020012AC:1F90 030012AC:C001 01 0 1", false),
        ("   3: 020012AC:C001 030012AC:1F90 01 0 1", false),
        ("", false),
        ("   4: :1F90", false),
    ]

    @Test("only a socket that listens at that port beyond loopback counts", arguments: rows)
    func table(_ row: String, _ isReachable: Bool) throws {
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
        #expect(ListeningPorts.accepts(8080, in: head + row + "\n") == isReachable)
        let command = ListeningPorts.command(for: 8080)
        let pattern = try NSRegularExpression(pattern: command[2])
        let isFound = pattern.firstMatch(in: row, range: NSRange(row.startIndex..., in: row)) != nil
        #expect(isFound == isReachable, "the command finds the same")
    }

    @Test("the head of a table and an empty one are no sockets")
    func empty() {
        #expect(!ListeningPorts.accepts(8080, in: ""))
        #expect(!ListeningPorts.accepts(8080, in: Self.rows[0].row), "the first line is the head")
        #expect(ListeningPorts.command(for: 80)[2].contains(":0050 "))
    }
}
