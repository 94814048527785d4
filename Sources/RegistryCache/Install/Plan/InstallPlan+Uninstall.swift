extension InstallPlan {
    /// What gives this host back what it had. The engine forgets the mirror before the cache stops.
    ///
    /// - Throws: ``InstallRefusals``.
    package static func uninstall(
        _ request: InstallRequest,
        _ facts: InstallFacts
    ) throws(InstallRefusals) -> InstallPlan {
        do throws(InstallRefusal) {
            let (change, expected, actions) = try forgetting(facts)
            return InstallPlan(
                actions: actions + serviceRemoval(request, facts),
                change: change,
                expectedMirrors: expected
            )
        } catch {
            throw InstallRefusals(all: [error])
        }
    }

    private static func forgetting(
        _ facts: InstallFacts
    ) throws(InstallRefusal) -> (Change?, [MirrorURL]?, [InstallAction]) {
        let path = facts.configurationPath
        guard let record = facts.record, let mirror = try formerMirror(facts) else {
            return (nil, nil, [InstallAction(.keep, .configuration, path, .notInstalled)])
        }
        let current = try configuration(facts.configuration ?? [], facts)
        var change: Change
        let action: InstallAction
        if record.describes(facts.configuration), !record.existed {
            change = Change(before: facts.configuration, after: nil, backup: .remove, record: nil)
            action = InstallAction(.remove, .configuration, path, .madeByInstall)
        } else if record.describes(facts.configuration), let backup = facts.backup {
            change = Change(before: facts.configuration, after: backup, backup: .remove, record: nil)
            action = InstallAction(.restore, .configuration, path, .unchangedSince)
        } else if current.mirrors.contains(mirror) {
            let after = current.without(mirror)
            change = Change(before: facts.configuration, after: after, backup: .remove, record: nil)
            action = InstallAction(.write, .configuration, path, .changedSince(mirror))
        } else {
            let after = facts.configuration
            change = Change(before: after, after: after, backup: .remove, record: nil)
            action = InstallAction(.remove, .configuration, InstallRecord.path(path), .mirrorGone)
        }
        let after = try configuration(change.after ?? [], facts)
        var actions = [action]
        var expected: [MirrorURL]?
        switch facts.engine {
        case .running(let daemon, let listed):
            guard listed != after.mirrors, listed.contains(mirror) else {
                actions.append(InstallAction(.keep, .engine, place(of: daemon), .mirrorListed))
                break
            }
            if !after.keys.contains(DaemonConfiguration.mirrorsKey) {
                change.interim = after.setting(DaemonConfiguration.mirrorsKey, to: Array("[]".utf8))
            }
            expected = after.mirrors
            actions.append(InstallAction(.reload, .engine, place(of: daemon), .mirrorListedStill(mirror)))
        case .unreachable:
            actions.append(InstallAction(.keep, .engine, "dockerd", .engineNotRunning))
        case .unsuitable(let why): throw .engine(why)
        }
        return (change, expected, actions)
    }

    private static func serviceRemoval(_ request: InstallRequest, _ facts: InstallFacts) -> [InstallAction] {
        let path = request.unitPath
        guard request.managesService else { return [InstallAction(.keep, .unit, path, .notAsked)] }
        guard case .systemd(let unit?, _, _) = facts.service else {
            return [InstallAction(.keep, .unit, path, .notInstalled)]
        }
        guard CacheUnit.isOwn(unit) else { return [InstallAction(.keep, .unit, path, .notOwn)] }
        return [
            InstallAction(.stop, .service, CacheUnit.name, .toBeRemoved),
            InstallAction(.remove, .unit, path, .madeByInstall),
        ]
    }
}
