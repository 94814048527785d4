import DockerEngine
import Foundation
import RoostCore

/// The files of one container's secrets: made before the container is created, removed once it is gone.
package struct SecretFolder: Hashable, Sendable {
    private let place: SecretPlace
    private let owner: OwnerIdentity
    private let name: String

    /// The folder on this machine.
    package var path: String { "\(place.root)/\(SecretPlace.name(of: owner))/\(name)" }

    /// How the container sees it.
    var mount: ContainerSpecification.Mount {
        ContainerSpecification.Mount(kind: .bind, source: path, target: StepSecret.containerFolder, readOnly: true)
    }

    /// Makes the folder.
    ///
    /// - Parameters:
    ///   - files: The secrets by their names.
    ///   - place: Where.
    ///   - owner: The process whose container it is for.
    /// - Throws: ``SecretFolderError``; nothing is left then.
    init(
        _ files: [(name: String, value: SecretValue)],
        in place: SecretPlace,
        owner: OwnerIdentity
    ) throws(SecretFolderError) {
        self.place = place
        self.owner = owner
        name = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        let directory = try Self.make(name, in: place, owner: owner)
        do throws(SecretFolderError) {
            for file in files { try directory.write(file.value.bytes, to: file.name) }
            try directory.share()
        } catch {
            try? remove()
            throw error
        }
    }

    /// Another container's removal may take away the outer folders between two of these calls.
    private static func make(
        _ name: String,
        in place: SecretPlace,
        owner: OwnerIdentity
    ) throws(SecretFolderError) -> SecretDirectory {
        var patience = 100
        while true {
            do throws(SecretFolderError) {
                return try SecretDirectory.makeOwn(place.root).makeOwn(SecretPlace.name(of: owner)).makeNew(name)
            } catch {
                guard case .system(_, _, ENOENT) = error, patience > 0 else { throw error }
                patience -= 1
            }
        }
    }

    /// Removes the folder, and those around it that are empty then; what is gone already is no error.
    ///
    /// - Throws: ``SecretFolderError``.
    package func remove() throws(SecretFolderError) {
        let outer = SecretPlace.name(of: owner)
        let root: SecretDirectory
        let process: SecretDirectory
        do throws(SecretFolderError) {
            root = try SecretDirectory.openOwn(place.root)
            process = try SecretDirectory.openOwn("\(place.root)/\(outer)")
        } catch {
            if case .system(_, _, ENOENT) = error { return }
            throw error
        }
        try process.removeTree(name, depth: 1)
        if try root.removeFolder(outer) { rmdir(place.root) }
    }
}
