import Foundation
import RoostTesting
import Subprocess
import Testing

@testable import RoostCore

/// Processes that a test makes up.
struct MadeUpProcesses: ProcessFacts {
    var bootID = "boot"
    var pidNamespace: UInt64 = 1
    var processes: [Int32: ProcessFact] = [:]

    func process(_ pid: Int32) -> ProcessFact? { processes[pid] }
}

@Suite("Whether an owner lives")
struct OwnerStateTests {
    static let owner = OwnerIdentity(bootID: "boot", pid: 7, startTime: 100, pidNamespace: 1)

    @Test(
        "boot, pid and start time together tell a process from all others",
        arguments: [
            (MadeUpProcesses(processes: [7: ProcessFact(startTime: 100)]), OwnerState.alive),
            (MadeUpProcesses(processes: [7: ProcessFact(startTime: 100, isStopped: true)]), .stopped),
            (MadeUpProcesses(processes: [7: ProcessFact(startTime: 100, isZombie: true)]), .dead(.zombie)),
            (MadeUpProcesses(processes: [7: ProcessFact(startTime: 101)]), .dead(.pidReused)),
            (MadeUpProcesses(processes: [7: ProcessFact(startTime: 101, isZombie: true)]), .dead(.pidReused)),
            (MadeUpProcesses(processes: [8: ProcessFact(startTime: 100)]), .dead(.gone)),
            (MadeUpProcesses(bootID: "other", processes: [7: ProcessFact(startTime: 100)]), .dead(.anotherBoot)),
            // What can't be seen counts as alive.
            (MadeUpProcesses(processes: [7: ProcessFact(startTime: nil)]), .alive),
            (MadeUpProcesses(pidNamespace: 2), .unknown),
            (MadeUpProcesses(bootID: "", processes: [:]), .unknown),
            (MadeUpProcesses(pidNamespace: 0, processes: [7: ProcessFact(startTime: 100)]), .alive),
        ]
    )
    func states(_ processes: MadeUpProcesses, _ expected: OwnerState) {
        #expect(Self.owner.state(by: processes) == expected)
        let mayLive = if case .dead = expected { false } else { true }
        #expect(Self.owner.isAlive(by: processes) == mayLive)
    }

    @Test("a label's value reads back as itself, from before there were namespaces too")
    func labels() {
        #expect(OwnerIdentity(parsing: Self.owner.description) == Self.owner)
        #expect(OwnerIdentity(parsing: "b/1/2") == OwnerIdentity(bootID: "b", pid: 1, startTime: 2))
        for text in ["", "b", "b/1", "b/x/2", "b/1/x", "b/1/2/x", "b/1/2/3/4", "b/-1/2", "b/0/2", "b/99999999999/2"] {
            #expect(OwnerIdentity(parsing: text) == nil, "\(text)")
        }
    }

    @Test("a command's name may hold anything, blanks and parentheses included")
    func stat() {
        let rest = " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 1"
        #expect(SystemProcesses.parse("9 (a) b (c) S" + rest) == ProcessFact(startTime: 4711))
        #expect(SystemProcesses.parse("9 (x) Z" + rest) == ProcessFact(startTime: 4711, isZombie: true))
        #expect(SystemProcesses.parse("9 (x) T" + rest) == ProcessFact(startTime: 4711, isStopped: true))
        for text in ["", "9 (x", "9 (x) S 1 1"] { #expect(SystemProcesses.parse(text) == nil) }
    }

    @Test("this process lives, and so does one that is stopped; one that has ended does not")
    func realProcesses() async throws {
        let system = SystemProcesses()
        #expect(OwnerIdentity.current.state(by: system) == .alive)
        let command = RoostProcess.Command(
            executable: "/bin/sh",
            arguments: ["-c", "echo up; kill -STOP $$; exec sleep 600"],
            environment: ["PATH": "/usr/bin:/bin"],
            workingDirectory: "/"
        )
        let seen = Shared<OwnerIdentity?>(nil)
        _ = try await RoostProcess.run(command) { process in
            try await process.line(on: .output) { $0 == "up" }
            let pid = Int32(process.processID)
            // It stops itself right after its line.
            while system.process(pid)?.isStopped == false { await Task.yield() }
            let owner = OwnerIdentity(
                bootID: system.bootID,
                pid: pid,
                startTime: try #require(system.process(pid)?.startTime),
                pidNamespace: system.pidNamespace
            )
            #expect(owner.state(by: system) == .stopped)
            seen.update { $0 = owner }
            try process.send(.kill)
        }
        let owner = try #require(seen.value)
        #expect(!owner.isAlive(by: system))
    }
}
