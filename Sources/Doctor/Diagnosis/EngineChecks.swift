import DockerEngine
import RoostCore

/// Whether there is an engine that answers, and whether Roost understands it.
struct EngineChecks {
    let facts: HostFacts
    let advisor: Advisor

    func checks() -> [Check] {
        switch facts.engine {
        case .misconfigured(let error):
            return [.fail(.engine, "no engine is chosen: \(error)", configurationRemedy())]
        case .unusable(let place, .unsupportedVersion(let mismatch)):
            return [
                .ok(.engine, "an engine answers at \(place.endpoint)"),
                .fail(.apiVersion, "\(mismatch)", versionRemedy(mismatch)),
            ]
        case .unusable(let place, let error):
            let (detail, remedy) = explain(error, at: place)
            return [.fail(.engine, detail, remedy)]
        case .silent(let place, let identity, let error):
            let (problem, remedy) = explain(error, at: place)
            let detail = "\(identity.name) \(identity.version) answers, but says nothing about itself: \(problem)"
            return [.fail(.engine, detail, remedy), versionCheck(identity)]
        case .answering(_, let identity, let engine):
            let detail = "\(identity.name) \(identity.version) answers, on \(engine.operatingSystem)"
            return [.ok(.engine, detail), versionCheck(identity)]
        }
    }

    private func versionCheck(_ identity: EngineIdentity) -> Check {
        let newest = identity.newestAPIVersion.flatMap { $0 == identity.apiVersion ? nil : $0 }
        return .ok(
            .apiVersion,
            "\(identity.apiVersion)" + (newest.map { "; the engine's newest is \($0)" } ?? "")
        )
    }

    private func versionRemedy(_ mismatch: VersionMismatch) -> Remedy {
        if mismatch.requested != nil {
            return Remedy("let Roost choose the version", .command("unset DOCKER_API_VERSION"))
        }
        if mismatch.engineNewest < APIVersionNegotiation.oldestSupported {
            return Remedy(
                "update the engine to Docker 20.10 or newer (docs.docker.com/engine/install)",
                advisor.install(advisor.packageManager.dockerPackage)
            )
        }
        return Remedy("update Roost, in its source folder", .command("git pull && make install"))
    }

    private func configurationRemedy() -> Remedy {
        let machine = facts.machine
        if case .damaged(let path, _) = facts.logins, machine.engineVariables.isEmpty, !machine.hasHostOption {
            let file = ShellWord.quote(path)
            return Remedy("put Docker's configuration aside", .command("mv \(file) \(file).damaged"))
        }
        return Remedy("go back to the default engine", advisor.useDefaultEngine())
    }

    // MARK: - Why an engine can't be used

    private func explain(_ error: EngineError, at place: EnginePlace) -> (detail: String, remedy: Remedy) {
        let origin = "\(place.endpoint) (\(place.source))"
        switch error {
        case .socketMissing(let path):
            return ("there is no socket at \(path) (\(place.source)): no engine runs there", missing(place))
        case .permissionDenied(let path):
            return ("no permission to use the socket \(path) (\(place.source))", denied(path, place.socket))
        case .connectionRefused:
            return (
                "nothing accepts connections at \(origin): the engine has stopped, or is about to start",
                isElsewhere(place)
                    ? Remedy("ask the engine from here, once it runs", advisor.probe(place.endpoint))
                    : Remedy("see why it stopped, and start it", advisor.showLog, advisor.service("start"))
            )
        case .timedOut(let operation, let limit):
            let detail =
                "the engine at \(origin) did not answer within \(DurationText.format(limit)) to: \(operation); it hangs, "
                + "or the machine is overloaded"
            return (
                detail,
                isElsewhere(place)
                    ? Remedy("see whether it answers other programs", advisor.probe(place.endpoint))
                    : Remedy(
                        "see what it does, and restart it where it hangs",
                        advisor.showLog,
                        advisor.service("restart")
                    )
            )
        case .unreachable(_, let cause):
            return (
                "the engine at \(origin) can't be reached: \(cause)",
                Remedy("check the address and the network", advisor.probe(place.endpoint))
            )
        case .connectionLost, .status, .inStream, .invalidAnswer:
            return (
                "\(error) (\(origin))",
                Remedy(
                    "see what answers there: an engine says OK, and one that asks for TLS complains about HTTP",
                    advisor.probe(place.endpoint)
                )
            )
        case .badAddress, .badConfiguration, .unsupportedVersion:
            return ("\(error) (\(origin))", Remedy("go back to the default engine", advisor.useDefaultEngine()))
        }
    }

    /// Whether the engine is not one that this machine's services manage.
    private func isElsewhere(_ place: EnginePlace) -> Bool {
        !place.endpoint.isLocal || !advisor.managesEngine || facts.machine.programs["dockerd"] == nil
    }

    private func missing(_ place: EnginePlace) -> Remedy {
        let machine = facts.machine
        if !advisor.managesEngine, machine.hasDefaultSocket {
            return Remedy("use the engine at the default socket", advisor.useDefaultEngine())
        }
        guard machine.programs["dockerd"] != nil else {
            let name = advisor.packageManager.dockerPackage
            return Remedy("install an engine (docs.docker.com/engine/install)", advisor.install(name))
        }
        if advisor.managesEngine { return Remedy("start the engine", advisor.service("start")) }
        return Remedy("start the default engine and use it", advisor.service("start"), advisor.useDefaultEngine())
    }

    private func denied(_ path: String, _ socket: SocketFacts?) -> Remedy {
        guard let socket else {
            return Remedy(
                "the socket is in a folder that is closed to you; use another engine",
                advisor.useDefaultEngine()
            )
        }
        guard socket.group != "root", socket.mode & 0o060 == 0o060 else {
            return Remedy(
                "let a group use the socket, and join it; its members can do all that root can",
                .command("sudo groupadd -f docker && sudo usermod -aG docker \"$USER\""),
                .command("sudo chgrp docker \(ShellWord.quote(path)) && sudo chmod 660 \(ShellWord.quote(path))"),
                .command("newgrp docker")
            )
        }
        let group = ShellWord.quote(socket.group)
        return Remedy(
            "join the socket's group; its members can do all that root can",
            .command("sudo usermod -aG \(group) \"$USER\""),
            .command("newgrp \(group)")
        )
    }
}
