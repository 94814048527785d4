import Foundation
import Testing

@testable import ParkedContainers

@Suite("The exit of a process", .serialized)
struct ExitWatchTests {
    @Test("every wait status is read as wait(2) has it")
    func statuses() {
        for code in 0..<256 { #expect(ProcessEnd(waitStatus: Int32(code) << 8).exitCode == code) }
        for signal in 1..<0x7F {
            #expect(ProcessEnd(waitStatus: Int32(signal)) == .signalled(signal))
            #expect(ProcessEnd(waitStatus: Int32(signal) | 0x80).exitCode == 128 + signal)
        }
        #expect(ProcessEnd(waitStatus: 0x137F) == .unknown)
        #expect(ProcessEnd.unknown.exitCode == nil)
    }

    @Test(
        "a process is over once it is reaped, with its status also where it is reaped between or within the questions"
    )
    func readings() {
        /// - Parameter answers: The kernel's, one for each time that it is asked for the status.
        func reading(_ answers: [Int32?], isReaped: Bool) -> ExitReading {
            var answers = answers[...]
            return ExitReading {
                answers.popFirst() ?? nil
            } isReaped: {
                isReaped
            }
        }
        #expect(reading([41 << 8], isReaped: true) == .over(.exited(code: 41)))
        // The kernel keeps it a moment before the process is gone.
        #expect(reading([41 << 8], isReaped: false) == .over(.exited(code: 41)))
        #expect(reading([nil, 41 << 8], isReaped: false) == .notOver)
        #expect(reading([nil, 41 << 8], isReaped: true) == .over(.exited(code: 41)))
        #expect(reading([nil, 9], isReaped: true) == .over(.signalled(9)))
        #expect(reading([nil, nil, 9], isReaped: true) == .over(.unknown), "a kernel that keeps none")
    }

    @Test(
        "the ends of processes that are reaped the moment they end are all told",
        .enabled(if: keepsStatuses, "needs Linux 6.15")
    )
    func reapedAtOnce() async throws {
        let watch = ExitWatch()
        for round in 0..<1000 {
            var pid: pid_t = 0
            let program = "/bin/sleep"
            let arguments = [strdup(program), strdup("1000"), nil]
            defer { for argument in arguments { free(argument) } }
            try #require(posix_spawn(&pid, program, nil, nil, arguments, environ) == 0)
            let followed = watch.open(Int(pid))
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            let end = await followed?.end()
            guard end == .signalled(9) else {
                Issue.record("round \(round): \(String(describing: end))")
                return
            }
        }
    }

    static let id = String(repeating: "ab", count: 32)
    static let other = String(repeating: "cd", count: 32)

    @Test("a process counts as a container's by the innermost container that its control groups name, in all of them")
    func groups() {
        func isMember(_ text: String) -> Bool { ProcessIdentity.isMember(of: Self.id, controlGroups: text) }
        #expect(isMember("12:pids:/docker/\(Self.id)\n0::/\n"))
        #expect(isMember("0::/system.slice/docker-\(Self.id).scope\n"))
        #expect(isMember("0::/../../docker-\(Self.id).scope/init"))
        #expect(isMember("1:name=systemd:/docker/\(Self.other)/docker/\(Self.id)"))
        #expect(!isMember("1:name=systemd:/docker/\(Self.id)/docker/\(Self.other)"))
        #expect(!isMember("2:cpu:/docker/\(Self.id)\n1:pids:/docker/\(Self.other)"))
        #expect(!isMember("0::/user.slice"))
        #expect(!isMember(""))
        #expect(!ProcessIdentity.isMember(of: "", controlGroups: "0::/"))
        #expect(ProcessIdentity.isFirst(status: "Name:\tsh\nNSpid:\t4711\t1\n"))
        #expect(!ProcessIdentity.isFirst(status: "NSpid:\t4711\t7\n"))
        #expect(!ProcessIdentity.isFirst(status: "NSpid:\t1\n"), "a number of our own pid namespace")
        #expect(!ProcessIdentity.isFirst(status: ""))
    }

    /// A shell that waits for a line on its stdin, and then does what it says.
    private func child(_ script: String) throws -> (process: Process, stdin: FileHandle) {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "read -r _; \(script)"]
        let stdin = Pipe()
        process.standardInput = stdin
        try process.run()
        return (process, stdin.fileHandleForWriting)
    }

    @Test(
        "the kernel tells the exit code or the signal",
        .enabled(if: keepsStatuses, "needs Linux 6.15"),
        arguments: [
            ("exit 0", ProcessEnd.exited(code: 0)), ("exit 41", .exited(code: 41)), ("kill -9 $$", .signalled(9)),
            ("kill -SEGV $$", .signalled(11)),
        ]
    )
    func ends(script: String, end: ProcessEnd) async throws {
        let watch = ExitWatch()
        let (process, stdin) = try child(script)
        let followed = try #require(watch.open(Int(process.processIdentifier)))
        try stdin.close()
        #expect(await followed.end() == end)
        process.waitUntilExit()
        #expect(await followed.end() == end, "a second question has the same answer")
        #expect(watch.open(Int(process.processIdentifier)) == nil, "a process that has been reaped can't be opened")
    }

    @Test("a process that is no container's is not followed, and none by an impossible number")
    func strangers() throws {
        let watch = ExitWatch()
        let (process, stdin) = try child("exit 0")
        #expect(watch.open(Int(process.processIdentifier), of: Self.id) == nil)
        for number in [0, -1, Int.max] { #expect(watch.open(number) == nil) }
        try stdin.close()
        process.waitUntilExit()
    }

    @Test("descriptors are closed with the exit, with a wait that is cancelled, and with who held them")
    func descriptors() async throws {
        func open() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?.contains("pidfd")
                    == true
            }
        }
        let watch = ExitWatch()
        // Foundation follows its children by descriptors of its own.
        let (first, firstInput) = try child("exit 0")
        let (second, secondInput) = try child("exit 0")
        let before = try open()
        var followed: [FirstProcess] = []
        for _ in 0..<20 { followed.append(try #require(watch.open(Int(first.processIdentifier)))) }
        #expect(try open() == before + 20)
        try await withThrowingTaskGroup(of: ProcessEnd.self) { group in
            let process = try #require(watch.open(Int(second.processIdentifier)))
            group.addTask { await process.end() }
            group.cancelAll()
            #expect(try await group.next() == .unknown)
        }
        #expect(try open() == before + 20, "a cancelled wait")
        followed.removeLast(10)
        #expect(try open() == before + 10, "dropped")
        try firstInput.close()
        for process in followed { _ = await process.end() }
        first.waitUntilExit()
        #expect(try open() <= before, "exited")
        try secondInput.close()
        second.waitUntilExit()
    }

    /// Whether this kernel tells how a process ended that has been reaped.
    static let keepsStatuses: Bool = {
        let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
        let parts = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return parts.count == 2 && (parts[0], parts[1]) >= (6, 15)
    }()
}
