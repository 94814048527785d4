import DockerEngine
import Foundation
import RoostCore

/// Why a mount can't be made.
package struct MountRefusal: Error, Hashable, CustomStringConvertible {
    package enum Cause: Hashable, Sendable {
        case missing
        /// Links on the way lead to this place, which does not lie in the workspace.
        case outside(String)
        /// A socket, a device or a pipe.
        case special
        case elsewhere
    }

    /// As the file writes it.
    package let path: String
    package let cause: Cause

    package var description: String {
        let shown = PrintableText.quoted(path, limit: 200)
        return switch cause {
        case .missing: "there is no \(shown) in the project folder to mount"
        case .outside(let place):
            "\(shown) can't be mounted: links lead out of the project folder, to \(PrintableText.quoted(place, limit: 200))"
        case .special: "\(shown) can't be mounted: it is neither a file nor a folder"
        case .elsewhere:
            "\(shown) can't be mounted: the engine is on another machine, where nothing tells where links lead"
        }
    }
}

/// Finds what a mount of the file means on this machine.
enum MountSource {
    /// The mount for the engine. A path is looked up now, links on the way included.
    ///
    /// - Parameters:
    ///   - mount: What the file says.
    ///   - projectFolder: Absolute, links resolved.
    /// - Returns: A mount whose source has no link in it.
    /// - Throws: ``MountRefusal``.
    static func engineMount(
        of mount: StepMount,
        in projectFolder: String
    ) throws(MountRefusal) -> ContainerSpecification.Mount {
        switch mount.source {
        case .volume(let name):
            return .init(
                kind: .volume,
                source: StepMount.volumePrefix + name,
                target: mount.target,
                readOnly: mount.isReadOnly
            )
        case .path(let path):
            return .init(
                kind: .bind,
                source: try resolve(path, in: projectFolder),
                target: mount.target,
                readOnly: mount.isReadOnly
            )
        case .memory(let size):
            var memory = ContainerSpecification.Mount(
                kind: .tmpfs,
                source: nil,
                target: mount.target,
                readOnly: mount.isReadOnly
            )
            memory.tmpfs = size.map { .init(size: $0.bytes) }
            return memory
        }
    }

    static func resolve(_ path: String, in projectFolder: String) throws(MountRefusal) -> String {
        guard let resolved = realpath("\(projectFolder)/\(path)", nil) else {
            throw MountRefusal(path: path, cause: .missing)
        }
        defer { free(resolved) }
        guard let place = String(validatingCString: resolved) else {
            throw MountRefusal(path: path, cause: .missing)
        }
        let inside = projectFolder.hasSuffix("/") ? projectFolder : projectFolder + "/"
        guard place == projectFolder || place.hasPrefix(inside) else {
            throw MountRefusal(path: path, cause: .outside(place))
        }
        var status = stat()
        guard lstat(place, &status) == 0 else { throw MountRefusal(path: path, cause: .missing) }
        guard [S_IFDIR, S_IFREG].contains(status.st_mode & S_IFMT) else {
            throw MountRefusal(path: path, cause: .special)
        }
        return place
    }
}

/// Mounts that are refused before anything is created.
package struct MountsRefused: Error, CustomStringConvertible {
    package let steps: [(id: StepID, refusal: MountRefusal)]

    package var description: String { steps.map { "\($0.id): \($0.refusal)" }.joined(separator: "\n") }

    /// Looks at what is there of the steps' paths. One that is missing may be made by an earlier step, and is looked at
    /// again before its own step's container is created, as they all are.
    ///
    /// - Parameters:
    ///   - steps: What will run.
    ///   - projectFolder: Absolute, links resolved.
    ///   - isLocal: Whether the engine sees this machine's files.
    /// - Throws: All refusals at once.
    static func check(_ steps: [StepDefinition], in projectFolder: String, isLocal: Bool) throws(MountsRefused) {
        let refused = steps.flatMap { step in
            step.mounts.compactMap { mount -> (id: StepID, refusal: MountRefusal)? in
                guard case .path(let path) = mount.source else { return nil }
                guard isLocal else { return (step.id, MountRefusal(path: path, cause: .elsewhere)) }
                do throws(MountRefusal) {
                    _ = try MountSource.resolve(path, in: projectFolder)
                    return nil
                } catch {
                    return error.cause == .missing ? nil : (step.id, error)
                }
            }
        }
        if !refused.isEmpty { throw MountsRefused(steps: refused) }
    }
}
