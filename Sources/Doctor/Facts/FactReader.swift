import DockerEngine
package import Foundation
import OCIDistribution
import RoostCore

/// Reads all facts of an examination. It changes nothing, on this machine or on the engine.
package struct FactReader: Sendable {
    /// How long the engine is waited for.
    package struct Patience: Sendable {
        /// For one answer.
        package var call: Duration
        /// For all of them.
        package var total: Duration

        /// An examination ends within 15 seconds, whatever the engine does.
        package init(call: Duration = .seconds(8), total: Duration = .seconds(12)) {
            self.call = call
            self.total = total
        }
    }

    private let environment: [String: String]
    private let host: String?
    private let project: URL
    private let patience: Patience
    private let search: ProgramSearch

    /// - Parameters:
    ///   - environment: The process's environment.
    ///   - host: The engine's address where the command line names one.
    ///   - project: The folder whose `.roost` would hold the logs of a run.
    ///   - patience: How long the engine is waited for.
    package init(
        environment: [String: String],
        host: String? = nil,
        project: URL,
        patience: Patience = Patience()
    ) {
        self.environment = environment
        self.host = host
        self.project = project
        self.patience = patience
        search = ProgramSearch(environment: environment)
    }

    /// - Throws: `CancellationError`; whatever else goes wrong is a fact.
    package func read() async throws -> HostFacts {
        HostFacts(
            engine: try await engine(),
            machine: machine(),
            stateFolder: FolderFacts.examine(RoostFolders(environment: environment).state),
            logFolder: FolderFacts.examine(project.appending(path: ".roost/runs", directoryHint: .isDirectory)),
            logins: logins()
        )
    }

    // MARK: - This machine

    private func machine() -> MachineFacts {
        let names = ["dockerd", "unpigz"] + PackageManager.allCases.map(\.rawValue)
        let found = names.compactMap { name in search.findForService(name).map { (name, $0) } }
        let variables = [
            "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_API_VERSION", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
        ]
        var defaultPath = ""
        if case .unix(let path) = EngineEndpoint.defaultSocket.address { defaultPath = path }
        return MachineFacts(
            programs: Dictionary(found, uniquingKeysWith: { first, _ in first }),
            // sd_booted(3): this folder exists where systemd is the init system.
            hasSystemd: FileManager.default.fileExists(atPath: "/run/systemd/system"),
            hasDefaultSocket: FileManager.default.fileExists(atPath: defaultPath),
            engineVariables: variables.filter { environment[$0].map { !$0.isEmpty } ?? false },
            hasHostOption: host != nil
        )
    }

    private func logins() -> LoginFacts {
        let file: DockerConfigFile
        do {
            file = try DockerConfigFile.load(environment: environment)
        } catch {
            let path: String
            switch error {
            case .unreadable(let named, _), .malformed(let named): path = named
            default: path = "config.json"
            }
            return .damaged(path: path, problem: "\(error)")
        }
        let helpers = file.helperNames
        return .read(
            path: file.path,
            helpers: helpers,
            missing: helpers.filter { search.find("docker-credential-\($0)") == nil }
        )
    }

    // MARK: - The engine

    private func engine() async throws -> EngineObservation {
        let configuration: EngineConfiguration
        do {
            configuration = try EngineConfiguration(environment: environment, host: host)
        } catch {
            return .misconfigured(error)
        }
        var place = EnginePlace(endpoint: configuration.endpoint, source: configuration.source)
        if case .unix(let path) = configuration.endpoint.address { place.socket = SocketFacts.read(path) }
        do {
            let patience = patience
            let observed = place
            return try await withDeadline(patience.total, "examine the engine") {
                try await EngineClient.with(
                    configuration.endpoint,
                    requestedVersion: configuration.requestedVersion,
                    deadlines: EngineDeadlines(call: patience.call)
                ) { try await ask($0, at: observed) }
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            return .unusable(place, engineError(error, configuration.endpoint))
        }
    }

    private func ask(_ client: EngineClient, at place: EnginePlace) async throws -> EngineObservation {
        let identity = EngineIdentity(
            version: client.about.version,
            apiVersion: client.version,
            newestAPIVersion: APIVersion(parsing: client.about.apiVersion),
            isPodman: client.about.components?.contains { $0.name == "Podman Engine" } ?? false
        )
        let before = Date()
        let info: EngineInfo
        do {
            info = try await client.info()
        } catch let error as CancellationError {
            throw error
        } catch {
            return .silent(place, identity, engineError(error, place.endpoint))
        }
        let offset = info.systemTime.flatMap { EngineClock.offset(of: $0, between: before, and: Date()) }
        return .answering(place, identity, facts(info, at: place, clockOffset: offset))
    }

    private func facts(_ info: EngineInfo, at place: EnginePlace, clockOffset: Duration?) -> EngineFacts {
        let space: DataRootSpace = place.endpoint.isLocal ? .measure(info.dataRoot) : .elsewhere
        let program = info.initBinary.flatMap { $0.isEmpty ? nil : $0 }
        return EngineFacts(
            operatingSystem: info.operatingSystem,
            storageDriver: info.storageDriver,
            cgroupVersion: info.cgroupVersion,
            cgroupDriver: info.cgroupDriver,
            memoryLimit: info.memoryLimit,
            swapLimit: info.swapLimit,
            isRootless: info.securityOptions?.contains("name=rootless") ?? false,
            mirrors: info.registries?.mirrors ?? [],
            initProgram: program.map { InitProgram(name: $0, path: search.findForEngine($0)) },
            dataRoot: info.dataRoot,
            dataRootSpace: space,
            clockOffset: clockOffset
        )
    }

    private func engineError(_ error: any Error, _ endpoint: EngineEndpoint) -> EngineError {
        switch error {
        case let error as EngineError: error
        case let error as DeadlineExceeded: .timedOut(operation: error.operation, limit: error.limit)
        default: .unreachable(endpoint: endpoint.description, cause: error)
        }
    }
}
