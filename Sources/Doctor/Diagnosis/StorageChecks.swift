import RoostCore

/// How the engine stores images and containers, and how much room it has.
struct StorageChecks {
    let identity: EngineIdentity
    let engine: EngineFacts
    let advisor: Advisor

    /// Free parts of the whole, in percent, below which there is a warning and a failure.
    private static let percentages = (warn: 15, fail: 5)
    private static let bytes = (warn: ByteCount(10 << 30), fail: ByteCount(1 << 30))

    func checks() -> [Check] {
        var checks = [driver()]
        switch engine.dataRootSpace {
        case .measured(let space): checks += [bytes(space), inodes(space)]
        case .unreadable(let reason):
            checks.append(
                .warn(
                    .diskSpace,
                    "\(engine.dataRoot) can't be looked at: \(reason)",
                    Remedy("look as root", .command("sudo df -h \(ShellWord.quote(engine.dataRoot))"))
                )
            )
        case .elsewhere: break
        }
        return checks
    }

    private func driver() -> Check {
        let name = engine.storageDriver
        let problem: String? =
            switch name {
            case "vfs": "it copies a whole image for each layer and each container, which is slow and fills the disk"
            case "devicemapper": "it is slow, and Docker 25 and later no longer have it"
            case "aufs": "Docker 24 and later no longer have it"
            case "overlay" where !identity.isPodman: "it uses up inodes, and Docker 24 and later no longer have it"
            default: nil
            }
        guard let problem else { return .ok(.storageDriver, name) }
        if identity.isPodman {
            return .warn(
                .storageDriver,
                "\(name): \(problem)",
                Remedy(
                    "use overlay, in the section [storage]; images have to be pulled again",
                    .line("driver = \"overlay\"", file: "/etc/containers/storage.conf"),
                    .command("podman system reset")
                )
            )
        }
        return .warn(
            .storageDriver,
            "\(name): \(problem)",
            advisor.daemonSetting(
                "use overlay2, on a data root that is not itself on an overlay; images have to be pulled again",
                "\"storage-driver\": \"overlay2\""
            )
        )
    }

    private func bytes(_ space: DiskSpace) -> Check {
        let percent = Self.percent(UInt64(clamping: space.free.bytes), of: UInt64(clamping: space.total.bytes))
        let detail = "\(space.free) of \(space.total) (\(percent) %) free for \(engine.dataRoot)"
        if percent < Self.percentages.fail || space.free < Self.bytes.fail {
            return .fail(.diskSpace, "\(detail): pulls and steps are about to fail", makeRoom)
        }
        if percent < Self.percentages.warn || space.free < Self.bytes.warn {
            return .warn(.diskSpace, "\(detail): a few large images fill it", makeRoom)
        }
        return .ok(.diskSpace, detail)
    }

    private func inodes(_ space: DiskSpace) -> Check {
        guard space.totalInodes > 0 else { return .ok(.diskInodes, "the file system sets no limit") }
        let percent = Self.percent(space.freeInodes, of: space.totalInodes)
        let detail = "\(space.freeInodes) of \(space.totalInodes) (\(percent) %) free for \(engine.dataRoot)"
        if percent < Self.percentages.fail {
            return .fail(.diskInodes, "\(detail): pulls are about to fail, with bytes left", makeRoom)
        }
        if percent < Self.percentages.warn {
            return .warn(.diskInodes, "\(detail): a few images of many small files use them up", makeRoom)
        }
        return .ok(.diskInodes, detail)
    }

    private var makeRoom: Remedy {
        Remedy(
            "see what takes the room, and delete the stopped containers and the images without a name",
            .command("docker system df"),
            .command("docker container prune"),
            .command("docker image prune")
        )
    }

    /// Rounded down, so that what is shown never looks better than what was judged.
    private static func percent(_ part: UInt64, of whole: UInt64) -> Int {
        guard whole > 0 else { return 0 }
        return Int((Double(part) / Double(whole) * 100).rounded(.down))
    }
}
