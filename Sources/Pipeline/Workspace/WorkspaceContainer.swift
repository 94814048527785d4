package import DockerEngine
import Foundation
package import RoostCore

/// Does to files of the workspace what only root may do, in a container with nothing but the workspace mounted.
///
/// A link there leads nowhere but into the container or the workspace itself. The protected places are mounted read-only
/// over themselves.
package struct WorkspaceContainer: Sendable {
    /// What is done to paths.
    enum Work: Hashable, Sendable {
        case remove
        /// Gives entries to an owner; of folders `inner` names, the folders within as well, which nobody could look into.
        case give(OwnerChoice)
        case giveFolders(OwnerChoice)

        /// What root needs for it: to reach anything, and to remove from folders with the sticky bit or to give away.
        fileprivate var capabilities: [String] {
            switch self {
            case .remove: [Capability.dacOverride, .fowner].map(\.rawValue)
            case .give, .giveFolders: [Capability.chown, .dacOverride].map(\.rawValue)
            }
        }
    }

    /// Whom files are given to.
    enum OwnerChoice: Hashable, Sendable {
        /// Whoever owns the workspace, as the container sees it: its numbers may differ from ours.
        case folder
        case numbers(FileOwner)

        fileprivate var argument: String {
            switch self {
            case .folder: "folder"
            case .numbers(let owner): "\(owner.user):\(owner.group)"
            }
        }
    }

    /// Why no container did the work.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let engine: EngineClient
    private let labels: [String: String]
    private let name: String
    private let projectFolder: String
    private let protected: [String]
    private let interruption: Interruption
    private let images: @Sendable () async throws -> [String]

    /// The longest list of paths that one container is given, in bytes: less than an argument list may be.
    private static let mostBytes = 1 << 20
    /// For one container's work, however large the trees are.
    private static let patience = Duration.seconds(600)
    private static let workspace = "/roost-workspace"

    /// - Parameters:
    ///   - engine: Where.
    ///   - installation: Whose the container is.
    ///   - runID: The run that it belongs to.
    ///   - projectFolder: Absolute, links resolved.
    ///   - fileName: The pipeline's file, in the project folder.
    ///   - interruption: Its second raise kills the container.
    ///   - images: IDs of images on the engine that may have a shell, the likeliest first.
    package init(
        engine: EngineClient,
        installation: Installation,
        runID: RunID,
        projectFolder: String,
        fileName: String,
        interruption: Interruption,
        images: @escaping @Sendable () async throws -> [String]
    ) {
        self.engine = engine
        labels = [
            LabelKey.installation: installation.id,
            LabelKey.kind: "workspace",
            LabelKey.owner: OwnerIdentity.current.description,
            LabelKey.lifetime: "run",
            LabelKey.run: runID.description,
        ]
        name = "roost-\(runID)-workspace"
        self.projectFolder = projectFolder
        protected = ProtectedPaths(fileName: fileName).names
        self.interruption = interruption
        self.images = images
    }

    /// Does the work; whoever asks looks afterwards what has become of the paths.
    ///
    /// - Parameters:
    ///   - work: What to do.
    ///   - paths: To what; those that are no UTF-8 can't be passed to an engine and are left out.
    /// - Throws: ``Failure``.
    func perform(_ work: Work, on paths: [WorkspacePath]) async throws(Failure) {
        guard engine.endpoint.isLocal else {
            throw Failure(description: "the engine is on another machine, which has not this workspace")
        }
        var batch: [String] = []
        var bytes = 0
        for text in paths.compactMap(\.text) {
            if bytes + text.utf8.count > Self.mostBytes, !batch.isEmpty {
                try await runBatch(work, batch)
                batch = []
                bytes = 0
            }
            batch.append("./" + text)
            bytes += text.utf8.count + 16
        }
        if !batch.isEmpty { try await runBatch(work, batch) }
    }

    private func runBatch(_ work: Work, _ paths: [String]) async throws(Failure) {
        do {
            var problem = "the pipeline has no image on the engine that could do it"
            for image in try await images() {
                switch try await run(image, work, paths) {
                case 3:
                    throw Failure(description: "something is mounted in the workspace, which no container may enter")
                case .some(125...127): problem = "no image of the pipeline has a shell"
                case .none: throw Failure(description: "it was interrupted")
                default: return
                }
            }
            throw Failure(description: problem)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    /// - Returns: The exit code; 127 where the image has no shell; `nil` where the run was interrupted.
    private func run(_ image: String, _ work: Work, _ paths: [String]) async throws -> Int? {
        if interruption.kill.isOpen { return nil }
        let suffix = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        let container = try await engine.createChecked(
            name: "\(name)-\(suffix)",
            specification(image, work, paths),
            limitsSwap: true
        )
        .id
        let result: Result<Int?, any Error>
        do {
            result = .success(try await follow(container))
        } catch {
            result = .failure(error)
        }
        try await engine.removeContainer(container)
        return try result.get()
    }

    private func follow(_ container: String) async throws -> Int? {
        do {
            try await engine.startContainer(container)
        } catch {
            let code = try? await engine.inspectContainer(container)?.state.exitCode
            if let code, code == 126 || code == 127 { return code }
            throw error
        }
        return try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask { Int(try await engine.waitForContainer(container, deadline: Self.patience).statusCode) }
            group.addTask {
                // Its removal, which follows, kills it.
                await interruption.kill.wait()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    private func specification(_ image: String, _ work: Work, _ paths: [String]) -> ContainerSpecification {
        var container = ContainerSpecification(image: image)
        container.entrypoint = ["/bin/sh", "-c", Self.script, "roost"]
        container.user = "0:0"
        container.workingDirectory = Self.workspace
        container.labels = labels
        container.host.memory = ByteCount.mebibytes(256).bytes
        container.host.networkMode = "none"
        container.host.usesInit = true
        container.host.droppedCapabilities = ["ALL"]
        container.host.addedCapabilities = work.capabilities
        container.host.securityOptions = ["no-new-privileges"]
        // One shell and one program after another, and their init.
        container.host.pidsLimit = 64
        let guarded = guarded
        container.host.mounts =
            [.init(kind: .bind, source: projectFolder, target: Self.workspace)]
            + guarded.map {
                .init(kind: .bind, source: "\(projectFolder)/\($0)", target: "\(Self.workspace)/\($0)", readOnly: true)
            }
        let (verb, owner) =
            switch work {
            case .remove: ("remove", "-")
            case .give(let choice): ("give", choice.argument)
            case .giveFolders(let choice): ("give-folders", choice.argument)
            }
        container.command = [String(guarded.count), verb, owner] + paths
        return container
    }

    /// The protected places that are there; not a link, which a mount would follow.
    private var guarded: [String] {
        guard let root = try? OpenFolder.open(trusted: projectFolder) else { return [] }
        return protected.filter { name in
            guard let kind = try? root.status(of: EntryName(name)).kind else { return false }
            return kind == .folder || kind == .file
        }
    }

    /// For the plainest of shells. Ends with 3 where more is mounted in the workspace than what was put there.
    private static let script = """
        guarded=$1 verb=$2 owner=$3
        shift 3
        mounts=0
        while read -r _ _ _ _ place _; do
          case $place in \(workspace)/?*) mounts=$((mounts + 1)) ;; esac
        done < /proc/self/mountinfo
        [ "$mounts" -eq "$guarded" ] || exit 3
        if [ "$owner" = folder ]; then
          read -r _ _ user group _ <<LINE
        $(ls -ldn .)
        LINE
          owner=$user:$group
        fi
        case $verb in
          remove) exec rm -rf "$@" ;;
          give) exec chown -h "$owner" "$@" ;;
          give-folders) exec find "$@" -xdev -type d -exec chown -h "$owner" {} + ;;
        esac
        """
}
