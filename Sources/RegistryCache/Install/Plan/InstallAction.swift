/// One thing that is done, or left as it is, and why.
package struct InstallAction: Hashable, Sendable {
    package enum Target: String, Hashable, Sendable {
        case unit, service, configuration, engine
    }

    package enum Verb: String, Hashable, Sendable {
        case keep, write, remove, restore, start, restart, stop, reload
    }

    package enum Reason: Hashable, Sendable {
        case missing
        case differs
        case isCurrent
        case notAsked
        case notEnabled
        case notRunning
        case unitChanged
        case runsAlready
        case mirrorMissing(MirrorURL)
        case mirrorNamed(MirrorURL)
        case mirrorReplaced(MirrorURL, by: MirrorURL)
        case mirrorListed
        case mirrorNotListed
        case mirrorListedStill(MirrorURL)
        case engineNotRunning
        case unchangedSince
        case madeByInstall
        case changedSince(MirrorURL)
        case mirrorGone
        case notInstalled
        case notOwn
        case toBeRemoved

        /// A word for programs.
        package var code: String {
            switch self {
            case .missing: "missing"
            case .differs: "differs"
            case .isCurrent: "current"
            case .notAsked: "not_asked"
            case .notEnabled: "not_enabled"
            case .notRunning: "not_running"
            case .unitChanged: "unit_changed"
            case .runsAlready: "running"
            case .mirrorMissing: "mirror_missing"
            case .mirrorNamed: "mirror_named"
            case .mirrorReplaced: "mirror_replaced"
            case .mirrorListed: "mirror_listed"
            case .mirrorNotListed: "mirror_not_listed"
            case .mirrorListedStill: "mirror_listed_still"
            case .engineNotRunning: "engine_not_running"
            case .unchangedSince: "unchanged_since"
            case .madeByInstall: "made_by_install"
            case .changedSince: "changed_since"
            case .mirrorGone: "mirror_gone"
            case .notInstalled: "not_installed"
            case .notOwn: "not_own"
            case .toBeRemoved: "unit_removed"
            }
        }
    }

    package let verb: Verb
    package let target: Target
    /// A path, a unit's name, or the engine's process.
    package let place: String
    package let reason: Reason

    init(_ verb: Verb, _ target: Target, _ place: String, _ reason: Reason) {
        self.verb = verb
        self.target = target
        self.place = place
        self.reason = reason
    }

    package var isChange: Bool { verb != .keep }
}

extension InstallAction.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing: "it is not there"
        case .differs: "it is not what this roost writes"
        case .isCurrent: "it is what this roost writes"
        case .notAsked: "--no-service"
        case .notEnabled: "it would not start at the next boot"
        case .notRunning: "it does not run"
        case .unitChanged: "its unit changes"
        case .runsAlready: "it runs, and starts at boot"
        case .mirrorMissing(let mirror): "it does not name the mirror \(mirror)"
        case .mirrorNamed(let mirror): "it names the mirror \(mirror)"
        case .mirrorReplaced(let former, let mirror): "it names \(former) instead of \(mirror)"
        case .mirrorListed: "it uses the mirrors that its file has"
        case .mirrorNotListed: "it has to read its file again"
        case .mirrorListedStill(let mirror): "it uses the mirror \(mirror) still"
        case .engineNotRunning: "it does not run, and reads its file when it starts"
        case .unchangedSince: "nobody has changed it since the installation"
        case .madeByInstall: "the installation made it"
        case .changedSince(let mirror): "it was changed since the installation: only the mirror \(mirror) is taken out"
        case .mirrorGone: "the configuration names the cache no more"
        case .notInstalled: "no installation has changed it"
        case .notOwn: "Roost did not write it"
        case .toBeRemoved: "its unit is removed"
        }
    }
}
