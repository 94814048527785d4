/// What is to be done, decided from facts alone. Carrying it out twice leaves nothing to do the second time.
package struct InstallPlan: Hashable, Sendable {
    /// A change of the engine's configuration.
    struct Change: Hashable, Sendable {
        /// The file as it was looked at; what is there when it is replaced has to be this.
        let before: [UInt8]?
        /// `nil`: the file is removed.
        let after: [UInt8]?
        /// What the engine reads first where it would not notice `after`: it clears its mirrors for an empty list only.
        var interim: [UInt8]?
        var backup: Backup
        /// `nil`: there is none any more.
        let record: InstallRecord?

        enum Backup: Hashable, Sendable {
            case leave
            case write([UInt8])
            case remove
        }

        var movesFile: Bool { before != after }
    }

    /// In the order in which they are done.
    package let actions: [InstallAction]
    let change: Change?
    /// The mirrors that the engine lists afterwards; `nil` where it is not told anything.
    let expectedMirrors: [MirrorURL]?

    package var isDone: Bool { !actions.contains(where: \.isChange) }
}

/// All that forbids an installation.
package struct InstallRefusals: Error, Hashable, CustomStringConvertible {
    package let all: [InstallRefusal]
    package var description: String { all.map(\.description).joined(separator: "\n") }
}

extension InstallPlan {
    /// What makes this host use the cache. The service comes before the engine is told of it.
    ///
    /// - Throws: ``InstallRefusals``.
    package static func install(_ request: InstallRequest, _ facts: InstallFacts) throws(InstallRefusals) -> InstallPlan
    {
        var refusals: [InstallRefusal] = []
        var actions: [InstallAction] = []
        do throws(InstallRefusal) {
            actions += try serviceActions(request, facts)
        } catch {
            refusals.append(error)
        }
        let plan: InstallPlan
        do throws(InstallRefusal) {
            plan = try telling(request, facts)
        } catch {
            throw InstallRefusals(all: refusals + [error])
        }
        guard refusals.isEmpty else { throw InstallRefusals(all: refusals) }
        return InstallPlan(
            actions: actions + plan.actions,
            change: plan.change,
            expectedMirrors: plan.expectedMirrors
        )
    }

    /// The engine's part.
    private static func telling(_ request: InstallRequest, _ facts: InstallFacts) throws(InstallRefusal) -> InstallPlan
    {
        let mirror = try mirror(of: request)
        let (daemon, listed) = try running(facts)
        let (change, decided) = try naming(mirror, facts, daemon)
        let after = try configuration(change.after ?? [], facts).mirrors
        return InstallPlan(
            actions: decided + [
                listed == after
                    ? InstallAction(.keep, .engine, place(of: daemon), .mirrorListed)
                    : InstallAction(.reload, .engine, place(of: daemon), .mirrorNotListed)
            ],
            change: change.movesFile ? change : nil,
            expectedMirrors: listed == after ? nil : after
        )
    }

    private static func mirror(of request: InstallRequest) throws(InstallRefusal) -> MirrorURL {
        do throws(MirrorURL.Problem) {
            return try request.unit.listener.mirror
        } catch {
            throw .configuration("the mirror", .badMirror("http://\(request.unit.listener)", error))
        }
    }

    private static func serviceActions(
        _ request: InstallRequest,
        _ facts: InstallFacts
    ) throws(InstallRefusal) -> [InstallAction] {
        let path = request.unitPath
        guard request.managesService else { return [InstallAction(.keep, .unit, path, .notAsked)] }
        guard case .systemd(let unit, let isEnabled, let isActive) = facts.service else {
            throw .noSystemd(command: request.unit.portableCommand)
        }
        guard !CacheUnit.hides(request.unit.program) else { throw .hiddenProgram(request.unit.program) }
        let isCurrent = unit == Array(request.unit.text.utf8)
        if let unit, !isCurrent, !CacheUnit.isOwn(unit) { throw .foreignUnit(path) }
        let name = CacheUnit.name
        return [
            isCurrent
                ? InstallAction(.keep, .unit, path, .isCurrent)
                : InstallAction(.write, .unit, path, unit == nil ? .missing : .differs),
            !isCurrent && isActive
                ? InstallAction(.restart, .service, name, .unitChanged)
                : !isActive
                    ? InstallAction(.start, .service, name, .notRunning)
                    : !isEnabled
                        ? InstallAction(.start, .service, name, .notEnabled)
                        : InstallAction(.keep, .service, name, .runsAlready),
        ]
    }

    private static func running(
        _ facts: InstallFacts
    ) throws(InstallRefusal) -> (InstallFacts.Daemon, [MirrorURL]) {
        switch facts.engine {
        case .running(let daemon, let mirrors): return (daemon, mirrors)
        case .unreachable(let why): throw .engineUnreachable(why)
        case .unsuitable(let why): throw .engine(why)
        }
    }

    private static func naming(
        _ mirror: MirrorURL,
        _ facts: InstallFacts,
        _ daemon: InstallFacts.Daemon
    ) throws(InstallRefusal) -> (Change, [InstallAction]) {
        let path = facts.configurationPath
        guard !path.hasPrefix("/nix/store/") else { throw .builtByNix(path) }
        let before = try configuration(facts.configuration ?? [], facts)
        let former = try formerMirror(facts)
        let after = before.naming(mirror, insteadOf: former)
        let keys = try configuration(after, facts).keys
        let conflicts = keys.filter { daemon.flags.keys.contains($0) }
        guard conflicts.isEmpty else { throw .conflict(path, keys: conflicts) }
        if facts.configuration == after {
            let same = Change(before: after, after: after, backup: .leave, record: facts.record)
            return (same, [InstallAction(.keep, .configuration, path, .mirrorNamed(mirror))])
        }
        let hasFormer = former.map(before.mirrors.contains) ?? false
        let change = Change(
            before: facts.configuration,
            after: after,
            backup: backup(facts, before, hasFormer ? former : nil),
            record: InstallRecord(
                mirror: mirror,
                written: after,
                existed: hasFormer && facts.record?.existed == false && facts.record?.describes(before.bytes) == true
                    ? false : facts.configuration != nil
            )
        )
        let reason: InstallAction.Reason =
            facts.configuration == nil
            ? .missing
            : hasFormer ? .mirrorReplaced(former ?? mirror, by: mirror) : .mirrorMissing(mirror)
        return (change, [InstallAction(.write, .configuration, path, reason)])
    }

    /// The copy is always the file without Roost's mirror: of before the first installation, or of what was made of it since.
    private static func backup(
        _ facts: InstallFacts,
        _ before: DaemonConfiguration,
        _ former: MirrorURL?
    ) -> Change.Backup {
        guard let bytes = facts.configuration else { return .remove }
        guard let former else { return .write(bytes) }
        return facts.record?.describes(bytes) == true ? .leave : .write(before.without(former))
    }

    static func formerMirror(_ facts: InstallFacts) throws(InstallRefusal) -> MirrorURL? {
        guard let record = facts.record else { return nil }
        guard let mirror = record.mirrorURL else {
            throw .unreadableRecord(InstallRecord.path(facts.configurationPath))
        }
        return mirror
    }

    static func configuration(
        _ bytes: [UInt8],
        _ facts: InstallFacts
    ) throws(InstallRefusal) -> DaemonConfiguration {
        do throws(DaemonConfiguration.Problem) {
            return try DaemonConfiguration(bytes)
        } catch {
            throw .configuration(facts.configurationPath, error)
        }
    }

    static func place(of daemon: InstallFacts.Daemon) -> String { "dockerd, process \(daemon.pid)" }
}
