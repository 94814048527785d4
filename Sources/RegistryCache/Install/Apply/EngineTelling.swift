import Foundation

/// Puts a configuration in place and has the engine read it, or leaves both as they were.
struct EngineTelling {
    private static let interval = Duration.milliseconds(100)

    let installer: CacheInstaller
    let facts: InstallFacts
    let plan: InstallPlan

    private var path: String { facts.configurationPath }
    private var daemon: InstallFacts.Daemon? {
        if case .running(let daemon, _) = facts.engine { daemon } else { nil }
    }

    /// - Throws: ``InstallFailure``, `CancellationError`, or what reading the engine's mirrors throws.
    func run() async throws {
        guard let change = plan.change else {
            // The file is right already; the engine has not read it.
            if let listed = try await reload(expecting: plan.expectedMirrors) {
                throw InstallFailure.notTaken(listed: listed, isPutBack: false)
            }
            return
        }
        try await check(change)
        guard try HostFile.read(path) == change.before else { throw InstallFailure.changedMeanwhile(path) }
        try keepFormer(change)
        do {
            try put(change.interim ?? change.after)
            if let listed = try await reload(expecting: plan.expectedMirrors) {
                throw InstallFailure.notTaken(listed: listed, isPutBack: true)
            }
            if change.interim != nil { try put(change.after) }
        } catch {
            try await putBack(change)
            throw error
        }
        try forgetFormer(change)
    }

    /// What dockerd itself says of a file with a mirror more. One with a mirror less was its own before.
    private func check(_ change: InstallPlan.Change) async throws {
        // Said before dockerd complains of it in its own way.
        let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        guard access(folder, W_OK) == 0 || errno == ENOENT else {
            throw InstallFailure.unwritable(path, errno: errno)
        }
        guard change.record != nil, let after = change.after, let daemon, let program = daemon.executable else {
            return
        }
        try await DaemonCheck(program: program, version: daemon.version)
            .check(try InstallPlan.configuration(after, facts), for: path)
    }

    /// The copy and the record are there before the file changes: whatever happens then, the way back is known.
    private func keepFormer(_ change: InstallPlan.Change) throws(InstallFailure) {
        guard let record = change.record else { return }
        switch change.backup {
        case .leave: break
        case .write(let bytes): try HostFile.replace(InstallRecord.backupPath(path), bytes, like: path)
        case .remove: try HostFile.remove(InstallRecord.backupPath(path))
        }
        try write(record)
    }

    private func forgetFormer(_ change: InstallPlan.Change) throws(InstallFailure) {
        guard change.record == nil else { return }
        try HostFile.remove(InstallRecord.path(path))
        try HostFile.remove(InstallRecord.backupPath(path))
    }

    private func putBack(_ change: InstallPlan.Change) async throws {
        try put(change.before)
        // Where another installation was replaced, its copy and its record count again.
        if let record = facts.record {
            try write(record)
        } else {
            try HostFile.remove(InstallRecord.path(path))
        }
        if let backup = facts.backup {
            try HostFile.replace(InstallRecord.backupPath(path), backup, like: path)
        } else {
            try HostFile.remove(InstallRecord.backupPath(path))
        }
        if plan.expectedMirrors != nil, let daemon { try? DaemonProcess.reload(daemon) }
    }

    private func write(_ record: InstallRecord) throws(InstallFailure) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // Strings and a boolean can't fail to be encoded.
        guard let bytes = try? encoder.encode(record) else { return }
        try HostFile.replace(InstallRecord.path(path), Array(bytes) + [0x0A], like: path)
    }

    private func put(_ bytes: [UInt8]?) throws(InstallFailure) {
        if let bytes { try HostFile.replace(path, bytes) } else { try HostFile.remove(path) }
    }

    /// Has the engine read its file. It tells nobody how that went but its log, and shows it by what it lists.
    ///
    /// - Returns: What it lists in the end where that is not what is expected.
    private func reload(expecting expected: [MirrorURL]?) async throws -> [MirrorURL]? {
        guard let expected, let daemon else { return nil }
        try DaemonProcess.reload(daemon)
        let clock = ContinuousClock()
        let end = clock.now + installer.patience
        while true {
            let listed = CacheInstaller.parsed(try await installer.mirrors())
            if listed == expected { return nil }
            if clock.now >= end { return listed }
            try await clock.sleep(for: Self.interval)
        }
    }
}
