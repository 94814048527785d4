import Foundation
import RoostCore

/// What can be said of the engine by who talks to it.
package enum InstallEngine: Sendable {
    /// - Parameters:
    ///   - socket: The path of its socket.
    ///   - version: Of the engine, such as `20.10.24`.
    ///   - mirrors: What it lists as its mirrors.
    case docker(socket: String, version: String, mirrors: [String])
    case notDocker(address: String)
    case elsewhere(address: String)
    case unreachable(String)
}

/// Reads the facts of an installation, and carries its plan out.
package struct CacheInstaller: Sendable {
    private static let standardConfiguration = "/etc/docker/daemon.json"

    package let request: InstallRequest
    /// The engine's configuration where a person has named it.
    let configuration: String?
    let manager: ServiceManager
    /// How long the engine may take to read its file again.
    let patience: Duration
    /// What the engine lists as its mirrors now.
    let mirrors: @Sendable () async throws -> [String]

    package init(
        request: InstallRequest,
        configuration: String? = nil,
        manager: ServiceManager = ServiceManager(),
        patience: Duration = .seconds(10),
        mirrors: @escaping @Sendable () async throws -> [String]
    ) {
        self.request = request
        self.configuration = configuration
        self.manager = manager
        self.patience = patience
        self.mirrors = mirrors
    }

    /// Looks at everything, and changes nothing.
    ///
    /// - Throws: ``InstallFailure``, ``InstallRefusals``, `CancellationError`.
    package func facts(_ engine: InstallEngine) async throws -> InstallFacts {
        let state = Self.state(engine)
        let path = try configurationPath(state)
        return InstallFacts(
            engine: state,
            configurationPath: path,
            configuration: try HostFile.read(path),
            record: try Self.record(path),
            backup: try HostFile.read(InstallRecord.backupPath(path)),
            service: request.managesService ? try await manager.facts(request) : .noSystemd
        )
    }

    private static func state(_ engine: InstallEngine) -> InstallFacts.Engine {
        switch engine {
        case .unreachable(let why): return .unreachable(why)
        case .elsewhere(let address): return .unsuitable(.elsewhere(address))
        case .notDocker(let address): return .unsuitable(.notDocker(address))
        case .docker(let socket, let version, let mirrors):
            switch DaemonProcess.find(socket: socket, version: version) {
            case .success(let daemon): return .running(daemon, mirrors: parsed(mirrors))
            case .failure(let unsuitable): return .unsuitable(unsuitable.why)
            }
        }
    }

    private func configurationPath(_ engine: InstallFacts.Engine) throws -> String {
        var used: String?
        if case .running(let daemon, _) = engine { used = DaemonProcess.namedConfiguration(daemon) }
        func resolved(_ path: String) -> String {
            URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath().path(percentEncoded: false)
        }
        if let configuration, let used, resolved(configuration) != resolved(used) {
            throw InstallRefusals(all: [.configurationElsewhere(named: configuration, used: used)])
        }
        // A link stays one: what it leads to is replaced.
        return resolved(used ?? configuration ?? Self.standardConfiguration)
    }

    private static func record(_ configuration: String) throws -> InstallRecord? {
        let path = InstallRecord.path(configuration)
        guard let bytes = try HostFile.read(path) else { return nil }
        guard let record = try? JSONDecoder().decode(InstallRecord.self, from: Data(bytes)) else {
            throw InstallRefusals(all: [.unreadableRecord(path)])
        }
        return record
    }

    /// Does what the plan says, looking again at each thing before it is changed.
    ///
    /// - Throws: ``InstallFailure``, `CancellationError`, or what reading the engine's mirrors throws.
    package func apply(_ plan: InstallPlan, _ facts: InstallFacts) async throws {
        var isEngineTold = false
        for action in plan.actions {
            switch (action.verb, action.target) {
            case (.keep, _): continue
            case (.write, .unit): try await writeUnit(facts)
            case (_, .unit):
                try HostFile.remove(request.unitPath)
                try await manager.reload()
            case (.stop, .service): try await manager.stop()
            case (_, .service): try await start(facts, again: action.verb == .restart)
            case (_, .configuration), (_, .engine):
                // The two belong together: a file that the engine does not take is put back.
                if !isEngineTold { try await EngineTelling(installer: self, facts: facts, plan: plan).run() }
                isEngineTold = true
            }
        }
    }

    private func writeUnit(_ facts: InstallFacts) async throws {
        guard case .systemd(let unit, _, _) = facts.service, try HostFile.read(request.unitPath) == unit else {
            throw InstallFailure.changedMeanwhile(request.unitPath)
        }
        try HostFile.replace(request.unitPath, Array(request.unit.text.utf8))
        try await manager.reload()
    }

    /// A unit that does not start is not left behind for the next boot.
    private func start(_ facts: InstallFacts, again: Bool) async throws {
        do {
            try await manager.start(again: again)
        } catch {
            guard case .systemd(let unit, _, _) = facts.service, unit != Array(request.unit.text.utf8) else {
                throw error
            }
            if let unit {
                try HostFile.replace(request.unitPath, unit)
                try await manager.reload()
                try? await manager.start(again: true)
            } else {
                try? await manager.stop()
                try HostFile.remove(request.unitPath)
                try await manager.reload()
            }
            throw error
        }
    }

    static func parsed(_ mirrors: [String]) -> [MirrorURL] { mirrors.compactMap { try? MirrorURL($0) } }
}
