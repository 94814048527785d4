import DockerEngine
import RoostCore

/// Where the engine is, who may use it, and whether its clock agrees with this machine's.
struct PlaceChecks {
    let place: EnginePlace
    let engine: EngineFacts
    let advisor: Advisor

    /// From here on, times in logs and reports mislead.
    private static let worstClock: Duration = .seconds(5)

    func checks() -> [Check] { [connection(), whereItIs(), clock()].compactMap(\.self) }

    private func connection() -> Check {
        switch place.endpoint.address {
        case .unix(let path):
            guard let socket = place.socket else { return .ok(.connection, "the socket \(path) can be used") }
            let mode = String(socket.mode & 0o777, radix: 8)
            let detail = "the socket \(path) belongs to \(socket.owner):\(socket.group), mode \(mode)"
            guard socket.mode & 0o002 != 0 else { return .ok(.connection, detail) }
            return .warn(
                .connection,
                "\(detail): everybody on this machine can use the engine, and so do all that root can",
                Remedy("close it to others", .command("sudo chmod o-rwx \(ShellWord.quote(path))"))
            )
        case .tcp:
            if let tls = place.endpoint.tls {
                guard !tls.verifiesEngine else { return .ok(.connection, "TLS, both sides known to each other") }
                return .warn(
                    .connection,
                    "TLS, but the engine's certificate is not checked: somebody between could pose as the engine",
                    Remedy("check it against ca.pem", .command("export DOCKER_TLS_VERIFY=1"))
                )
            }
            if place.endpoint.isLocal { return .ok(.connection, "plain HTTP, within this machine") }
            return .warn(
                .connection,
                "plain HTTP: whoever reaches this port can do all that root can on the engine's machine",
                Remedy(
                    "set up TLS on the engine (docs.docker.com/engine/security/protect-access), and use it",
                    .line("\"tlsverify\": true", file: advisor.daemonFile),
                    .command("export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=~/.docker")
                )
            )
        }
    }

    private func whereItIs() -> Check {
        if engine.isHere { return .ok(.place, "on this machine") }
        // What Docker Desktop's own engine calls its system; it shares the folders of people's homes by itself.
        if engine.operatingSystem == "Docker Desktop" {
            return .ok(.place, "in Docker Desktop's virtual machine, which shares the folders that its settings name")
        }
        let origin =
            place.endpoint.isLocal
            ? "its data root \(engine.dataRoot) is not on this machine; it runs in a virtual machine, or outside of the "
                + "container that Roost runs in"
            : "on another machine"
        return .warn(
            .place,
            "\(origin): a folder that is mounted into a container is the engine's machine's, not this one's, and is empty "
                + "there if it does not exist",
            Remedy(
                "run Roost where the engine is, or use an engine on this machine",
                place.endpoint == .defaultSocket
                    ? .command("export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock") : advisor.useDefaultEngine()
            )
        )
    }

    private func clock() -> Check? {
        guard let offset = engine.clockOffset else { return nil }
        if offset == .zero { return .ok(.clock, "the engine's clock and this machine's agree") }
        let amount = offset < .zero ? .zero - offset : offset
        let detail = "the engine's clock is \(DurationText.format(amount)) \(offset < .zero ? "behind" : "ahead")"
        guard amount >= Self.worstClock else { return .ok(.clock, detail) }
        return .warn(
            .clock,
            "\(detail): times in logs and reports mislead, and logins may be refused",
            Remedy("set the clocks by the network, on both machines", .command("sudo timedatectl set-ntp true"))
        )
    }
}
