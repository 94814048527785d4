import DockerEngine
import Foundation
import RoostTesting
import Testing

@testable import Pipeline

/// What the programs of a step find from the inside.
@Suite(
    "Isolation of steps",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunIsolationTests {
    /// Prints what the kernel says of a program of the step, and of its limits.
    private static let look = """
        grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
        for file in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do
          if [ -f $file ]; then echo "pids: $(cat $file)"; fi
        done
        """

    /// Runs steps that look, and returns what each has found by name.
    private func look(
        _ steps: [String: String],
        command: String = look,
        arguments: [String] = []
    ) async throws -> [String: [String: String]] {
        let image = try await Published.busybox("isolation")
        return try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n"
                + steps.sorted { $0.key < $1.key }.map { step("s/\($0.key)", image, command, $0.value) }.joined()
            let (outcome, events) = try await sandbox.run(pipeline, arguments)
            let reasons = events.compactMap { $0.type == "step.finished" ? $0.text("reason") : nil }
            #expect(outcome.exitCode == 0, "\(reasons)")
            return try steps.keys.reduce(into: [:]) { found, name in
                let lines = events.filter { $0.type == "step.log" && $0.text("step") == name }
                found[name] = try lines.reduce(into: [:]) { facts, line in
                    let parts = try #require(line.text("text")).split(separator: ":", maxSplits: 1)
                    facts[String(parts[0])] = parts.last?.trimmingCharacters(in: .whitespaces)
                }
            }
        }
    }

    private func capabilities(_ hex: String?) throws -> Set<Capability> {
        let mask = try #require(hex.flatMap { UInt64($0, radix: 16) })
        return Set(Capability.allCases.enumerated().filter { mask & (1 << UInt64($0.offset)) != 0 }.map(\.element))
    }

    @Test("a step has six capabilities, can gain none, is filtered by seccomp, and has a limit of processes")
    func standard() async throws {
        let found = try #require(try await look(["x": ""])["x"])
        #expect(try capabilities(found["CapEff"]) == Capability.ofSteps)
        #expect(try capabilities(found["CapBnd"]) == Capability.ofSteps)
        #expect(found["NoNewPrivs"] == "1")
        #expect(found["Seccomp"] == "2")
        #expect(found["pids"] == "4096")
    }

    @Test("a step that asks for more or less of what engines give has it")
    func asked() async throws {
        let found = try await look([
            "more": "security = { cap_add = ['NET_RAW'], no_new_privileges = false, pids_limit = 77 }",
            "less": "security = { cap_drop = ['ALL'] }",
            "other": "user = '1000'",
        ])
        #expect(try capabilities(found["more"]?["CapEff"]) == Capability.ofSteps.union([.netRaw]))
        #expect(found["more"]?["NoNewPrivs"] == "0")
        #expect(found["more"]?["pids"] == "77")
        #expect(try capabilities(found["less"]?["CapBnd"]).isEmpty)
        #expect(try capabilities(found["other"]?["CapEff"]).isEmpty)
    }

    /// Whether this machine can give a container every capability: a container that runs the tests may lack some.
    static var hasEveryCapability: Bool {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapBnd:") }),
            let mask = line.split(separator: "\t").last.flatMap({ UInt64($0, radix: 16) })
        else { return false }
        let all: UInt64 = (1 << UInt64(Capability.allCases.count)) - 1
        return mask & all == all
    }

    @Test(
        "a privileged step has every capability",
        .enabled(if: hasEveryCapability, "this machine has not every capability itself")
    )
    func privileged() async throws {
        let found = try await look(["x": "security = { privileged = true }"], arguments: ["--allow-privileged"])
        #expect(try capabilities(found["x"]?["CapEff"]).isSuperset(of: [.sysModule, .sysAdmin, .netAdmin, .syslog]))
        #expect(found["x"]?["NoNewPrivs"] == "0")
    }

    @Test("what the operator allows a step has: dangerous capabilities, all but some, no seccomp, devices")
    func allowed() async throws {
        let found = try await look(
            [
                "admin": "security = { cap_add = ['SYS_ADMIN'], seccomp = 'unconfined' }",
                "all": "security = { cap_add = ['ALL'], cap_drop = ['SYS_RESOURCE', 'SYS_BOOT'] }",
                "device": "security = { devices = ['/dev/null:/dev/mine:r'] }",
            ],
            command: Self.look + "\nif [ -c /dev/mine ]; then echo 'mine: there'; fi",
            arguments: ["--allow-privileged"]
        )
        #expect(try capabilities(found["admin"]?["CapEff"]) == Capability.ofSteps.union([.sysAdmin]))
        #expect(found["admin"]?["Seccomp"] == "0")
        // The newest ones are not known to every engine.
        let all = try capabilities(found["all"]?["CapEff"])
        #expect(all.isSuperset(of: [.sysModule, .sysAdmin, .netAdmin, .macAdmin, .syslog]))
        #expect(all.isDisjoint(with: [.sysResource, .sysBoot]))
        #expect(found["device"]?["mine"] == "there")
        #expect(found["all"]?["mine"] == nil)
    }

    @Test("the container's own files can't be changed where they are read-only; the workspace and a tmpfs can")
    func readOnly() async throws {
        let command = """
            if touch /file; then echo "root: written"; else echo "root: kept"; fi
            touch /workspace/file /t/file && echo "rest: written"
            echo "shm: $(df -k /dev/shm | tail -n 1 | awk '{ print $2 }')"
            """
        let found = try await look(
            [
                "x": """
                security = { read_only = true, shm_size = '3mb' }
                mounts = [{ tmpfs = true, target = '/t', size = '1mb' }]
                """
            ],
            command: command
        )
        #expect(found["x"]?["root"] == "kept")
        #expect(found["x"]?["rest"] == "written")
        #expect(found["x"]?["shm"] == "3072")
    }

    @Test("a step without a network has only its loopback, one in the host's network has the host's own namespace")
    func networks() async throws {
        let host = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        let found = try await look(
            ["none": "network = 'none'", "host": "network = 'host'", "private": "network = 'private'", "plain": ""],
            command: "echo \"count: $(ls /sys/class/net | wc -l)\"\necho \"ns: $(readlink /proc/self/ns/net)\"",
            arguments: ["--allow-host-network"]
        )
        #expect(found["none"]?["count"] == "1")
        #expect(found["host"]?["ns"] == host)
        #expect(found["private"]?["ns"] != host)
        #expect(found["private"]?["count"] == "2")
        #expect(Set(found.values.map { $0["ns"] }).count == 4)
    }

    @Test("a step that stops its own processes, changes users and installs files needs no more than it has")
    func everyday() async throws {
        let command = """
            set -e
            adduser -D -H worker 2>/dev/null || echo 'worker:x:1000:1000::/:/bin/sh' >> /etc/passwd
            touch /installed && chown 1000:1000 /installed && chmod 4755 /installed
            su worker -s /bin/sh -c 'sleep 1000' &
            until [ "$(stat -c %u /proc/$! 2>/dev/null)" = 1000 ]; do :; done
            kill $! && echo "kill: sent"
            echo "who: $(su worker -s /bin/sh -c 'id -u')"
            echo "ports: $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)"
            echo "ping: $(cat /proc/sys/net/ipv4/ping_group_range)"
            """
        let found = try await look(["x": ""], command: command)
        #expect(found["x"]?["kill"] == "sent")
        #expect(found["x"]?["who"] == "1000")
        // Low ports and ping need no capability, by the engine's settings.
        #expect(found["x"]?["ports"] == "0")
        #expect(found["x"]?["ping"]?.hasPrefix("0\t") == true)
    }
}

/// What is refused before anything is created. No engine is there to ask.
@Suite(
    "Permissions of the operator",
    .enabled(if: TestEnvironment.hasBinary, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(2))
)
struct RunPermissionTests {
    private let pipeline = """
        stages_order = ["s"]
        [stages.s.steps.admin]
        image = "x"
        [stages.s.steps.admin.security]
        privileged = true
        [stages.s.steps.net]
        image = "x"
        network = "host"
        """

    @Test("run, plan and validate refuse what the operator has not allowed, at the line that asks for it")
    func refused() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write(pipeline, to: "roost.toml")
            for verb in ["run", "plan", "validate"] {
                let outcome = try await sandbox.roost([verb])
                #expect(outcome.exitCode == 2)
                let text = outcome.standardOutput + outcome.standardError
                #expect(text.contains("roost.toml:5:1: error: stages.s.steps.admin.security.privileged: "))
                #expect(text.contains("roost.toml:8:1: error: stages.s.steps.net.network: "))
                #expect(text.contains("allow_privileged = true in config.toml"))
                #expect(!text.contains("docker.sock"))
            }
        }
    }

    @Test("settings of the operator's allow it, from files, variables and flags; a step that is not chosen needs none")
    func allowed() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write(pipeline, to: "roost.toml")
            let allowed = try await sandbox.roost(
                ["plan", "--allow-privileged"],
                environment: ["ROOST_ALLOW_HOST_NETWORK": "true"]
            )
            #expect(allowed.exitCode == 0)
            #expect(allowed.standardOutput.contains("privileged"))
            let one = try await sandbox.roost(["validate", "--allow-host-network"])
            #expect(one.exitCode == 2)
            #expect(!one.standardOutput.contains("stages.s.steps.net.network"))
            let chosen = try await sandbox.roost(["plan", "--step", "net", "--allow-host-network"])
            #expect(chosen.exitCode == 0)

            try FileManager.default.createDirectory(
                atPath: sandbox.directory.path("roost/config"),
                withIntermediateDirectories: true
            )
            try sandbox.directory.write(
                "allow_privileged = true\nallow_host_network = true\n",
                to: "roost/config/config.toml"
            )
            let file = try await sandbox.roost(["validate"])
            #expect(file.exitCode == 0)
            let shown = try await sandbox.roost(["config", "show"])
            #expect(shown.standardOutput.contains("config.toml:1"))
        }
    }

    @Test("a config.toml in the project folder, and a variable of a step's, allow nothing")
    func notByTheProject() async throws {
        try await RoostSandbox.with(engine: "unix:///nowhere/docker.sock") { sandbox in
            try sandbox.write(pipeline + "\nenv = [\"ROOST_ALLOW_PRIVILEGED=true\"]\n", to: "roost.toml")
            for name in ["config.toml", "config/config.toml", ".roost/config.toml"] {
                let folder = URL(filePath: sandbox.project + "/" + name).deletingLastPathComponent()
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try sandbox.write("allow_privileged = true\nallow_host_network = true\n", to: name)
            }
            #expect(try await sandbox.roost(["plan"]).exitCode == 2)
            #expect(try await sandbox.roost(["run", "--env", "ROOST_ALLOW_PRIVILEGED=true"]).exitCode == 2)
        }
    }
}
