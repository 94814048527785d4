import ArgumentParser
import DockerEngine
import Foundation
import RegistryCache
import RoostCore

/// What installing and uninstalling have in common: which engine, which files.
struct CacheInstallOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Flag(help: "Only say what would be done. The exit code is 0 where nothing would be, 1 where something would.")
    var check = false

    @Flag(help: "Leave systemd alone: something else starts the cache.")
    var noService = false

    @Option(
        help: ArgumentHelp(
            "The engine's configuration: what it names by --config-file, else /etc/docker/daemon.json.",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    var daemonConfig: String?

    @Option(help: ArgumentHelp("Where systemd's units are kept.", valueName: "dir"), completion: .directory)
    var unitDir = "/etc/systemd/system"

    @Option(help: "text or json (roost.cache_install/1).")
    var format = Format.text

    @OptionGroup var engine: EngineOptions

    private enum Verb {
        case install, uninstall

        func plan(_ request: InstallRequest, _ facts: InstallFacts) throws -> InstallPlan {
            switch self {
            case .install: try InstallPlan.install(request, facts)
            case .uninstall: try InstallPlan.uninstall(request, facts)
            }
        }
    }

    func install(_ unit: CacheUnit) async throws { try await run(.install, unit) }
    func uninstall() async throws { try await run(.uninstall, CacheUnit()) }

    private func run(_ verb: Verb, _ unit: CacheUnit) async throws {
        let configuration = try engine.configuration()
        let outcome: Result<CacheInstallResult, any Error>
        do {
            outcome = try await EngineClient.with(
                configuration.endpoint,
                requestedVersion: configuration.requestedVersion
            ) { engine in
                // What fails from here on is no engine that can't be reached.
                do {
                    let result = try await carryOut(verb, unit, try await engine.asInstallEngine()) {
                        try await engine.info().registries?.mirrors ?? []
                    }
                    return .success(result)
                } catch {
                    return .failure(error)
                }
            }
        } catch let error as EngineError where error.meansNoEngine {
            outcome = .success(try await carryOut(verb, unit, .unreachable("\(error)")) { [] })
        }
        let result = try outcome.get()
        switch format {
        case .text: try OutputWriter.standardOutput.enqueue(result.text)
        case .json: try OutputWriter.standardOutput.enqueue(try result.json())
        }
        try await OutputWriter.standardOutput.flush()
        if check, !result.plan.isDone { throw ExitCode(1) }
    }

    private func carryOut(
        _ verb: Verb,
        _ unit: CacheUnit,
        _ engine: InstallEngine,
        mirrors: @escaping @Sendable () async throws -> [String]
    ) async throws -> CacheInstallResult {
        let installer = CacheInstaller(
            request: InstallRequest(
                unit: unit,
                unitFolder: URL(filePath: unitDir).standardizedFileURL.path(percentEncoded: false),
                managesService: !noService
            ),
            configuration: daemonConfig,
            mirrors: mirrors
        )
        let facts = try await installer.facts(engine)
        let plan = try verb.plan(installer.request, facts)
        if !check { try await installer.apply(plan, facts) }
        return CacheInstallResult(plan: plan, isCheck: check)
    }
}

extension EngineError {
    /// Nobody listens: there is no engine now that would have to be told anything.
    fileprivate var meansNoEngine: Bool {
        switch self {
        case .socketMissing, .connectionRefused: true
        default: false
        }
    }
}

extension EngineClient {
    fileprivate func asInstallEngine() async throws -> InstallEngine {
        guard !isPodman else { return .notDocker(address: endpoint.description) }
        guard case .unix(let path) = endpoint.address else { return .elsewhere(address: endpoint.description) }
        return .docker(socket: path, version: about.version, mirrors: try await info().registries?.mirrors ?? [])
    }
}

extension InstallRefusals: ExitCoded {
    var exitCode: Int32 { 2 }
}

extension InstallFailure: ExitCoded {
    var exitCode: Int32 { 125 }
}
