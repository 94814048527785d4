/// What makes pulls fast, and keeps them within a registry's limits.
struct PullChecks {
    let identity: EngineIdentity
    let engine: EngineFacts
    let machine: MachineFacts
    let advisor: Advisor

    func checks() -> [Check] { [mirror(), unpigz()].compactMap(\.self) }

    private func mirror() -> Check {
        guard engine.mirrors.isEmpty else { return .ok(.mirror, engine.mirrors.joined(separator: ", ")) }
        let problem =
            "none for Docker Hub: its rate limit applies (a number of pulls in six hours), and so do its outages"
        if identity.isPodman {
            return .warn(
                .mirror,
                problem,
                Remedy(
                    "name a mirror that you run or trust, under [[registry]] with location = \"docker.io\"",
                    .line(
                        "[[registry.mirror]]\nlocation = \"mirror.example:5000\"",
                        file: "/etc/containers/registries.conf"
                    )
                )
            )
        }
        return .warn(
            .mirror,
            problem,
            advisor.daemonSetting(
                "name a mirror that you run or trust; a registry on this machine may speak plain HTTP",
                "\"registry-mirrors\": [\"http://127.0.0.1:5000\"]"
            )
        )
    }

    /// Docker and containerd hand layers to `unpigz` where they find it; Podman unpacks by itself.
    private func unpigz() -> Check? {
        guard engine.isHere, !identity.isPodman else { return nil }
        if let path = machine.programs["unpigz"] { return .ok(.unpigz, path) }
        return .warn(
            .unpigz,
            "not installed: the engine unpacks layers with a slower decoder of its own",
            Remedy(
                "install pigz; the engine finds it after a restart",
                advisor.install("pigz"),
                then: advisor.restart
            )
        )
    }
}
