import DockerEngine
import RoostCore
import Testing

@testable import Pipeline

@Suite("Security and network in pipeline files")
struct SecurityReadingTests {
    private func steps(_ step: String, pipeline: String = "", stage: String = "") -> ([StepDefinition], [String]) {
        let (definition, diagnostics) = parsePipeline(
            """
            stages_order = ["s"]
            \(pipeline)
            [stages.s]
            \(stage)
            [stages.s.steps.x]
            image = "x"
            \(step)
            """
        )
        return (definition?.steps ?? [], diagnostics)
    }

    private func step(_ text: String, pipeline: String = "", stage: String = "") throws -> StepDefinition {
        let (steps, diagnostics) = steps(text, pipeline: pipeline, stage: stage)
        #expect(diagnostics.isEmpty)
        return try #require(steps.first)
    }

    private func host(_ step: StepDefinition) -> ContainerSpecification.HostConfiguration {
        var host = ContainerSpecification.HostConfiguration()
        step.security.apply(to: &host)
        return host
    }

    @Test("a step that says nothing drops all capabilities but six, gains none, and has a limit of processes")
    func standard() throws {
        let step = try step("")
        let host = host(step)
        #expect(host.droppedCapabilities == ["ALL"])
        #expect(host.addedCapabilities == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"])
        #expect(host.securityOptions == ["no-new-privileges"])
        #expect(host.pidsLimit == 4096)
        #expect(host.isPrivileged == nil && host.isReadOnly == nil && host.devices == nil)
        #expect(step.network == .slot && step.demands.isEmpty && !step.schedule.runsAlone)
    }

    @Test("a step's keys replace the pipeline's one by one")
    func defaults() throws {
        let pipeline = "[pipeline.security]\npids_limit = 100\ncap_add = [\"NET_RAW\"]\nread_only = true"
        let step = try step("security = { cap_add = [\"cap_mknod\"], cap_drop = [\"KILL\"] }", pipeline: pipeline)
        let host = host(step)
        #expect(host.pidsLimit == 100)
        #expect(host.isReadOnly == true)
        #expect(host.addedCapabilities == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "MKNOD"])
        #expect(step.demands.isEmpty)
    }

    @Test("what is dropped in whole keeps only what is added, what is added in whole lacks only what is dropped")
    func all() throws {
        let none = try step("security = { cap_drop = [\"ALL\"], cap_add = [\"CHOWN\"] }")
        #expect(none.security.capabilities == [.chown])
        #expect(host(none).addedCapabilities == ["CHOWN"])
        let every = try step("security = { cap_add = [\"all\"], cap_drop = [\"SYS_BOOT\"] }")
        #expect(host(every).addedCapabilities == ["ALL"])
        #expect(host(every).droppedCapabilities == ["SYS_BOOT"])
        #expect(every.security.capabilities == Set(Capability.allCases).subtracting([.sysBoot]))
        #expect(every.demands.map(\.permission) == [.privileged])
    }

    @Test("a privileged step has what a privileged container has, unless it says otherwise")
    func privileged() throws {
        let plain = host(try step("security = { privileged = true }"))
        #expect(plain.isPrivileged == true)
        #expect(plain.addedCapabilities == nil && plain.droppedCapabilities == nil && plain.securityOptions == [])
        let kept = host(try step("security = { privileged = true, no_new_privileges = true }"))
        #expect(kept.securityOptions == ["no-new-privileges"])
    }

    @Test("the network of a step comes before its stage's, that before the pipeline's")
    func network() throws {
        let pipeline = "[pipeline]\nnetwork = \"host\""
        #expect(try step("", pipeline: pipeline).network == .host)
        #expect(try step("", pipeline: pipeline).demands.map(\.path) == ["pipeline.network"])
        #expect(try step("", pipeline: pipeline, stage: "network = \"none\"").network == .none)
        let own = try step("network = \"private\"", pipeline: pipeline, stage: "network = \"none\"")
        #expect(own.network == .private)
        #expect(own.demands.isEmpty)
    }

    @Test(
        "what reaches beyond the container demands the operator's word, and what engines give anyway does not",
        arguments: [
            ("cap_add = [\"NET_RAW\", \"MKNOD\", \"SETFCAP\"]", []),
            ("cap_add = [\"NET_RAW\", \"SYS_ADMIN\", \"CAP_SYS_PTRACE\"]", ["cap_add[1]", "cap_add[2]"]),
            ("cap_add = [\"ALL\"]", ["cap_add[0]"]), ("cap_drop = [\"SYS_ADMIN\", \"ALL\"]", []),
            ("privileged = true", ["privileged"]), ("privileged = false", []),
            ("seccomp = \"unconfined\"", ["seccomp"]), ("seccomp = \"default\"", []),
            ("devices = [\"/dev/kvm\", \"/dev/fuse:r\"]", ["devices[0]", "devices[1]"]),
            ("no_new_privileges = false\nread_only = true\npids_limit = 20\nshm_size = \"1gb\"", []),
        ] as [(String, [String])]
    )
    func demands(text: String, paths: [String]) throws {
        let step = try step("[stages.s.steps.x.security]\n" + text)
        #expect(step.demands.map(\.path) == paths.map { "stages.s.steps.x.security." + $0 })
        #expect(step.demands.allSatisfy { $0.permission == .privileged && $0.position != nil })
    }

    @Test("only what engines give every container by default needs no operator")
    func dangerous() {
        let dangerous: [Capability] = [
            .sysAdmin, .sysModule, .sysPtrace, .dacReadSearch, .netAdmin, .sysRawio, .bpf, .sysTime, .macAdmin,
        ]
        #expect(dangerous.allSatisfy { $0.needsOperator })
        #expect(Capability.allCases.count { !$0.needsOperator } == 14)
        #expect(Capability.ofSteps.isSubset(of: Capability.ofEngines))
    }

    @Test(
        "what can't be is told at its key",
        arguments: [
            ("cap_add = [\"NET_ROW\"]", "cap_add[0]: \"NET_ROW\" is no capability; did you mean \"NET_RAW\"?"),
            ("pids_limit = 0", "pids_limit: expected a whole number from 1 to 32768, found the number 0"),
            ("pids_limit = -1", "pids_limit: expected a whole number from 1 to 32768, found the number -1"),
            ("shm_size = 0", "shm_size: expected a size above zero"),
            (
                "devices = [\"/etc/passwd\"]",
                "devices[0]: expected a device such as \"/dev/kvm\" or \"/dev/sdc:/dev/xvdc:r\", "
                    + "found \"/etc/passwd\""
            ),
            (
                "devices = [\"/dev/../etc/passwd\"]",
                "devices[0]: expected a device such as \"/dev/kvm\" or \"/dev/sdc:/dev/xvdc:r\", "
                    + "found \"/dev/../etc/passwd\""
            ),
            (
                "privileged = true\ncap_drop = [\"KILL\"]",
                "cap_drop: a privileged step has every capability and no seccomp, so that `cap_drop` says nothing"
            ),
            (
                "allow_privileged = true",
                "allow_privileged: unknown key; known here: cap_add, cap_drop, no_new_privileges, privileged, read_only, "
                    + "pids_limit, devices, seccomp, shm_size"
            ),
        ]
    )
    func wrong(text: String, message: String) {
        let (_, diagnostics) = steps("[stages.s.steps.x.security]\n" + text)
        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.hasSuffix("stages.s.steps.x.security.\(message)") == true, "\(diagnostics)")
    }

    @Test(
        "devices are read as docker run reads them",
        arguments: [
            ("/dev/kvm", "/dev/kvm:/dev/kvm:rwm"), ("/dev/fuse:r", "/dev/fuse:/dev/fuse:r"),
            ("/dev/a:/dev/b", "/dev/a:/dev/b:rwm"), ("/dev/a:/dev/b:wm", "/dev/a:/dev/b:wm"),
            ("/dev/a:/dev/b:rr", nil), ("/dev/a:/dev/b:x", nil), ("/dev/a:", nil), ("dev/a", nil), ("/dev/", nil),
            ("/dev/a:/dev/b:/dev/c", nil), ("", nil), ("/dev/a/", nil),
        ]
    )
    func devices(text: String, expected: String?) {
        let device = PipelineReading.device(text)
        #expect(device.map { "\($0.hostPath):\($0.containerPath):\($0.permissions)" } == expected)
    }
}
