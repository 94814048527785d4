import RoostCore
import Testing

@testable import Pipeline

@Suite("The kernel's count of a container's memory")
struct MemoryPeakTests {
    private static let id = String(repeating: "0123456789abcdef", count: 4)

    @Test(
        "the file is found by the container's control group",
        arguments: [
            (
                "version 1",
                "9:name=systemd:/docker/ID\n4:memory:/docker/ID\n3:cpuset:/docker/ID\n",
                "/sys/fs/cgroup/memory/docker/ID/memory.max_usage_in_bytes"
            ),
            (
                "version 1, controllers mounted together",
                "4:cpuset,memory,cpu:/docker/ID\n",
                "/sys/fs/cgroup/memory/docker/ID/memory.max_usage_in_bytes"
            ),
            (
                "version 2", "0::/system.slice/docker-ID.scope\n",
                "/sys/fs/cgroup/system.slice/docker-ID.scope/memory.peak"
            ),
            (
                "both, memory in version 1",
                "0::/docker/ID\n4:memory:/docker/ID\n",
                "/sys/fs/cgroup/memory/docker/ID/memory.max_usage_in_bytes"
            ),
            (
                "both, memory in version 2", "1:name=systemd:/docker/ID\n0::/docker/ID",
                "/sys/fs/cgroup/docker/ID/memory.peak"
            ),
            (
                "a group below the container's own",
                "0::/machine.slice/libpod-ID.scope/container\n",
                "/sys/fs/cgroup/machine.slice/libpod-ID.scope/memory.peak"
            ),
            ("a colon in the path", "0::/a:b/ID\n", "/sys/fs/cgroup/a:b/ID/memory.peak"),
        ]
    )
    func found(name: String, groups: String, path: String) {
        let groups = groups.replacing("ID", with: Self.id)
        #expect(MemoryPeakFile(groups: groups, container: Self.id)?.path == path.replacing("ID", with: Self.id))
    }

    @Test(
        "whatever is not surely the container's group has no file",
        arguments: [
            "", "\n\n", "::", "0:", "0::", "4:memory", "4:memory:", "0::/", "0::/docker/other\n", "0::docker/ID",
            "0::/../docker/ID", "0::/docker/../ID", "0::/docker/ID\0", "0::/docker//ID", "0::/./ID",
            "0::/docker/ID\n4:memory:/user.slice\n", "4:memory:/../ID\n0::/docker/ID\n", "4:cpu:/docker/ID\n",
            "1::/docker/ID\n", "4:memory2:/docker/ID\n", "0::/docker/ID/..",
        ]
    )
    func refused(groups: String) {
        #expect(MemoryPeakFile(groups: groups.replacing("ID", with: Self.id), container: Self.id) == nil)
    }

    @Test(
        "an engine's word that is no container ID finds nothing",
        arguments: ["", "/", "docker", "..", "0123456789ab"]
    )
    func badContainer(id: String) {
        #expect(MemoryPeakFile(groups: "0::/docker/\(id)\n", container: id) == nil)
    }

    @Test("the content is one number of bytes")
    func content() {
        #expect(MemoryPeakFile.bytes(in: Array("31457280\n".utf8)) == .mebibytes(30))
        for other in ["", "\n", "max\n", "0\n", "-1\n", "12", "1 2\n", "99999999999999999999\n", "\u{0}1\n"] {
            #expect(MemoryPeakFile.bytes(in: Array(other.utf8)) == nil)
        }
        #expect(MemoryPeakFile.bytes(in: [0xFF, 0x0A]) == nil)
    }

    @Test("no process, no reader")
    func noProcess() {
        for pid in [0, -1, Int.max] {
            let isThere = MemoryPeakReader.open(processID: pid, container: Self.id) != nil
            #expect(!isThere)
        }
    }

    @Test(
        "the kernel's count of kills is read from either version's file",
        arguments: [
            ("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", 2), ("low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\n", 0),
            ("oom_kill_disable 0\nunder_oom 0\n", nil), ("", nil), ("oom_kill x\n", nil),
        ] as [(String, Int?)]
    )
    func kills(text: String, expected: Int?) {
        #expect(MemoryPeakFile.kills(in: Array(text.utf8)) == expected)
    }

    @Test("a young step is looked at often, an old one five times a second")
    func pauses() {
        #expect(StepMemory.pause(after: .zero) == .milliseconds(4))
        #expect(StepMemory.pause(after: .milliseconds(200)) == .milliseconds(4))
        #expect(StepMemory.pause(after: .seconds(1)) == .milliseconds(20))
        #expect(StepMemory.pause(after: .seconds(3600)) == .milliseconds(200))
    }
}
