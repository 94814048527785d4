/// Whether the engine can hold containers to their limits, and give them an init process.
struct LimitChecks {
    let engine: EngineFacts
    let advisor: Advisor

    func checks() -> [Check] { [memory(), swap(), initProgram()].compactMap(\.self) }

    private var cgroups: String {
        let version = engine.cgroupVersion.flatMap { $0.isEmpty ? nil : "cgroup v\($0)" } ?? "cgroups"
        return version + (engine.cgroupDriver.flatMap { $0.isEmpty ? nil : ", \($0) driver" } ?? "")
    }

    private func memory() -> Check? {
        guard let isSupported = engine.memoryLimit else { return nil }
        if isSupported { return .ok(.memoryLimit, "kept (\(cgroups))") }
        return .fail(
            .memoryLimit,
            "not kept (\(cgroups)): the engine drops a step's memory limit without an error, and a step can take all of "
                + "the machine's memory",
            kernelRemedy("let the kernel count memory by container")
        )
    }

    private func swap() -> Check? {
        // Without a memory limit there is nothing for swap to count towards.
        guard let isSupported = engine.swapLimit, engine.memoryLimit != false else { return nil }
        if isSupported { return .ok(.swapLimit, "kept") }
        return .warn(
            .swapLimit,
            "not kept (\(cgroups)): a step that reaches its memory limit goes on in swap and slows the machine down, rather "
                + "than being stopped",
            kernelRemedy("let the kernel count swap towards a container's memory")
        )
    }

    /// What the kernel or systemd must be told.
    ///
    /// A rootless engine has only the controllers that are handed down to the user's own services
    /// (docs.docker.com/engine/security/rootless); else the kernel's command line decides.
    private func kernelRemedy(_ advice: String) -> Remedy {
        if engine.isRootless, engine.cgroupVersion == "2" {
            return Remedy(
                "hand the controllers down to users, in the section [Service]; log in again afterwards",
                .line("Delegate=cpu cpuset io memory pids", file: "/etc/systemd/system/user@.service.d/delegate.conf"),
                .command("sudo systemctl daemon-reload")
            )
        }
        if engine.isRootless {
            return Remedy(
                "a rootless engine limits nothing on cgroup v1; boot with v2",
                .line(
                    "GRUB_CMDLINE_LINUX=\"systemd.unified_cgroup_hierarchy=1\"",
                    file: "/etc/default/grub"
                ),
                .command("sudo update-grub && sudo reboot")
            )
        }
        return Remedy(
            advice + "; beside what the line holds already",
            .line("GRUB_CMDLINE_LINUX=\"cgroup_enable=memory swapaccount=1\"", file: "/etc/default/grub"),
            .command("sudo update-grub && sudo reboot")
        )
    }

    private func initProgram() -> Check? {
        guard engine.isHere, let program = engine.initProgram else { return nil }
        if let path = program.path { return .ok(.initProgram, path) }
        return .fail(
            .initProgram,
            "the engine's init program '\(program.name)' is not on this machine: steps can't start, since each has one that "
                + "passes on signals and collects orphans",
            Remedy(
                "install tini, and name it in the engine's configuration\(advisor.restartNote)",
                advisor.install("tini"),
                then: [.line("\"init-path\": \"/usr/bin/tini\"", file: advisor.daemonFile)] + advisor.restart
            )
        )
    }
}
