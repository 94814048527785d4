import DockerEngine
import Foundation
import RoostCore
import Testing

@testable import Pipeline

@Suite("What an engine has made of what it was asked for")
struct AppliedSettingsTests {
    private static func asked(_ change: (inout ContainerSpecification.HostConfiguration) -> Void = { _ in })
        -> ContainerSpecification.HostConfiguration
    {
        var host = ContainerSpecification.HostConfiguration()
        StepSecurity().apply(to: &host)
        host.memory = 1024
        host.memoryAndSwap = 1024
        host.mounts = [
            .init(kind: .bind, source: "/project", target: "/workspace"),
            .init(kind: .volume, source: "roost-c", target: "/c", readOnly: true),
            .init(kind: .tmpfs, source: nil, target: "/t"),
        ]
        change(&host)
        return host
    }

    private static let docker = """
        "Memory": 1024, "MemorySwap": 1024, "PidsLimit": 4096, "NetworkMode": "default", "Privileged": false,
        "ReadonlyRootfs": false, "SecurityOpt": ["no-new-privileges"], "CapDrop": ["ALL"], "Devices": [], "ShmSize": 67108864,
        "CapAdd": ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"]
        """

    private static let mounts = """
        {"Type": "bind", "Source": "/project", "Destination": "/workspace", "RW": true},
        {"Type": "volume", "Name": "roost-c", "Source": "/var/lib/c", "Destination": "/c", "RW": false},
        {"Type": "tmpfs", "Source": "", "Destination": "/t", "RW": true}
        """

    private func compare(
        _ asked: ContainerSpecification.HostConfiguration,
        host: String = docker,
        mounts: String = mounts,
        more: String = "",
        limitsSwap: Bool = true
    ) throws -> AppliedSettings {
        let json = """
            {"Id": "1", "Name": "/x", "Image": "i", "Config": {"Image": "i"}, "State": {"Status": "created", "Running": false,
            "ExitCode": 0, "OOMKilled": false}, "HostConfig": {\(host)}, "Mounts": [\(mounts)]\(more)}
            """
        let found = try JSONDecoder().decode(ContainerInspection.self, from: Data(json.utf8))
        return AppliedSettings(asked: asked, found: found, limitsSwap: limitsSwap)
    }

    @Test("an engine that has done all is left alone, however it spells it")
    func fine() throws {
        #expect(try compare(Self.asked()).ignored.isEmpty)
        let podman = Self.docker.replacing("\"no-new-privileges\"", with: "\"no-new-privileges:true\"")
            .replacing("\"CapDrop\": [\"ALL\"]", with: "\"CapDrop\": [\"CAP_NET_RAW\"]")
            .replacing("\"default\"", with: "\"slirp4netns\"")
        let bounding =
            ", \"BoundingCaps\": [\"CAP_SETUID\", \"CAP_SETGID\", \"CAP_KILL\", \"CAP_FOWNER\", \"CAP_DAC_OVERRIDE\", "
            + "\"CAP_CHOWN\"]"
        #expect(try compare(Self.asked(), host: podman, more: bounding).ignored.isEmpty)
    }

    @Test(
        "each setting that an engine has ignored is named",
        arguments: [
            ("\"Memory\": 1024", "\"Memory\": 0", "memory limit (asked for 1024, got none)"),
            ("\"MemorySwap\": 1024", "\"MemorySwap\": -1", "limit of memory and swap (asked for 1024, got none)"),
            ("\"MemorySwap\": 1024", "\"MemorySwap\": 2048", "limit of memory and swap (asked for 1024, got 2048)"),
            ("\"PidsLimit\": 4096", "\"PidsLimit\": null", "pids limit (asked for 4096, got none)"),
            ("\"SecurityOpt\": [\"no-new-privileges\"]", "\"SecurityOpt\": null", "no-new-privileges"),
            (
                "[\"no-new-privileges\"]", "[\"no-new-privileges\", \"seccomp:unconfined\"]", "seccomp (is off)"
            ),
            ("\"no-new-privileges\"", "\"no-new-privileges:false\"", "no-new-privileges"),
            ("\"Privileged\": false", "\"Privileged\": true", "privileged (not asked for)"),
            ("\"ReadonlyRootfs\": false", "\"ReadonlyRootfs\": true", "read-only root"),
            ("\"NetworkMode\": \"default\"", "\"NetworkMode\": \"host\"", "network (asked for the default, got host)"),
            (
                "\"CapDrop\": [\"ALL\"]", "\"CapDrop\": null",
                "capabilities (has FSETID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP too)"
            ),
            ("\"CAP_KILL\", ", "", "capabilities (lacks KILL)"),
            ("\"CAP_KILL\"", "\"CAP_KILL\", \"CAP_SYS_ADMIN\"", "capabilities (has SYS_ADMIN too)"),
        ]
    )
    func ignored(text: String, replacement: String, expected: String) throws {
        let host = Self.docker.replacing(text, with: replacement)
        #expect(host != Self.docker)
        #expect(try compare(Self.asked(), host: host).ignored == [expected])
    }

    @Test("what a step asked for beyond the default is looked for as well")
    func more() throws {
        let asked = Self.asked { host in
            var security = StepSecurity()
            security.isReadOnly = true
            security.seccomp = .unconfined
            security.sharedMemory = ByteCount(2048)
            security.devices = [.init(hostPath: "/dev/kvm", containerPath: "/dev/kvm")]
            security.apply(to: &host)
            host.networkMode = "none"
        }
        #expect(
            try compare(asked).ignored == [
                "size of /dev/shm (asked for 2048, got 67108864)", "seccomp=unconfined", "read-only root",
                "device /dev/kvm", "network (asked for none, got default)",
            ]
        )
        let privileged = Self.asked { host in
            var security = StepSecurity()
            security.isPrivileged = true
            security.apply(to: &host)
        }
        #expect(try compare(privileged).ignored == ["privileged"])
        let joined = Self.asked { $0.networkMode = "container:abc" }
        #expect(try compare(joined).ignored == ["network (asked for container:abc, got default)"])
    }

    @Test("a mount that is missing, another, or writable is named")
    func places() throws {
        #expect(
            try compare(Self.asked(), mounts: "").ignored
                == ["mount at /workspace", "mount at /c", "mount at /t"]
        )
        let other = Self.mounts.replacing("/project", with: "/etc").replacing("roost-c", with: "roost-d")
            .replacing("\"tmpfs\"", with: "\"volume\"")
        #expect(
            try compare(Self.asked(), mounts: other).ignored
                == ["mount at /workspace (is another)", "mount at /c (is another)", "mount at /t (is another)"]
        )
        let writable = Self.mounts.replacing("\"RW\": false", with: "\"RW\": true")
        #expect(try compare(Self.asked(), mounts: writable).ignored == ["mount at /c (is not read-only)"])
    }

    @Test("a swap limit is not asked of an engine that says that it has none, and that is a warning")
    func swap() throws {
        let asked = Self.asked { $0.memoryAndSwap = nil }
        let host = Self.docker.replacing("\"MemorySwap\": 1024", with: "\"MemorySwap\": -1")
        let applied = try compare(asked, host: host, limitsSwap: false)
        #expect(applied.ignored.isEmpty)
        #expect(applied.unsupported == ["swap is not limited: the engine can't"])
        #expect(try compare(asked, host: host).unsupported.isEmpty)
    }
}
