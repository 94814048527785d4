import Foundation

/// systemd, by its own program.
package struct ServiceManager: Sendable {
    /// Starting waits until the unit's program is running.
    private static let patience = Duration.seconds(90)

    let program: String
    /// There where systemd runs this machine (sd_booted(3)).
    let sign: String

    package init(program: String = "systemctl", sign: String = "/run/systemd/system") {
        self.program = program
        self.sign = sign
    }

    /// - Throws: ``InstallFailure``, `CancellationError`.
    func facts(_ request: InstallRequest) async throws -> InstallFacts.Service {
        guard access(sign, F_OK) == 0 else { return .noSystemd }
        let unit = try HostFile.read(request.unitPath)
        guard unit != nil else { return .systemd(unit: nil, isEnabled: false, isActive: false) }
        return .systemd(unit: unit, isEnabled: try await says("is-enabled"), isActive: try await says("is-active"))
    }

    func reload() async throws { try await call(["daemon-reload"]) }

    func start(again: Bool) async throws {
        try await call(["enable", CacheUnit.name])
        try await call([again ? "restart" : "start", CacheUnit.name])
    }

    func stop() async throws { try await call(["disable", "--now", CacheUnit.name]) }

    private func says(_ question: String) async throws -> Bool {
        try await HostCommand.run(program, [question, "--quiet", CacheUnit.name], within: Self.patience)?.isSuccess
            ?? false
    }

    private func call(_ arguments: [String]) async throws {
        guard let ended = try await HostCommand.run(program, arguments, within: Self.patience) else {
            throw InstallFailure.command([program] + arguments, said: "there is no such program in PATH")
        }
        guard ended.isSuccess else { throw InstallFailure.command([program] + arguments, said: ended.said) }
    }
}
