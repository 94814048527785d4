import DockerEngine
import RoostCore

/// An engine that makes a container other than it was asked to.
package struct SettingsIgnored: Error, CustomStringConvertible {
    package let settings: [String]

    package var description: String {
        "the engine has ignored what it was asked for: \(settings.joined(separator: "; "))"
    }
}

/// A volume that can't be used.
package struct VolumeUnavailable: Error, CustomStringConvertible {
    package let description: String
}

extension EngineClient {
    /// Creates a container, with the named volumes that it needs, and looks whether the engine has done all that was
    /// asked. One that it has not is removed again.
    ///
    /// The look costs one call, which takes 1 to 2 ms on a local engine.
    ///
    /// - Parameters:
    ///   - name: Unique on the engine.
    ///   - specification: What the container is made of.
    ///   - limitsSwap: Whether the engine says that it can limit swap.
    /// - Returns: The container, not started.
    /// - Throws: ``SettingsIgnored``, ``VolumeUnavailable``, or `EngineError`: with a status of 404 where the image is not
    ///   there, of 409 where the name is taken.
    func createChecked(
        name: String,
        _ specification: ContainerSpecification,
        limitsSwap: Bool
    ) async throws -> CreatedContainer {
        for mount in specification.host.mounts where mount.kind == .volume {
            if let volume = mount.source { try await ensureVolume(volume, installation: specification.labels) }
        }
        let created = try await createContainer(name: name, specification)
        do {
            guard let found = try await inspectContainer(created.id) else {
                throw EngineError.status(operation: "inspect container '\(name)'", code: 410, message: "it is gone")
            }
            let applied = AppliedSettings(asked: specification.host, found: found, limitsSwap: limitsSwap)
            guard applied.ignored.isEmpty else { throw SettingsIgnored(settings: applied.ignored) }
            // Engines that can't limit swap mostly say so themselves.
            let warnings = created.warnings ?? []
            return CreatedContainer(id: created.id, warnings: warnings.isEmpty ? applied.unsupported : warnings)
        } catch {
            try? await removeContainer(created.id)
            throw error
        }
    }

    /// Makes a volume that outlives runs, where there is none. One that is there and is not Roost's is somebody's data.
    private func ensureVolume(_ name: String, installation labels: [String: String]) async throws {
        var own = [LabelKey.kind: "volume", LabelKey.lifetime: "kept"]
        own[LabelKey.installation] = labels[LabelKey.installation]
        let volume: VolumeSummary
        do {
            volume = try await createVolume(name: name, labels: own)
        } catch let error as EngineError where !error.isEngineUnavailable {
            throw VolumeUnavailable(description: "the volume \(name) can't be made: \(error)")
        }
        guard volume.labels?[LabelKey.kind] == "volume" else {
            throw VolumeUnavailable(
                description: "the volume \(name) is not Roost's, and is left alone; name another, or remove it with: "
                    + "docker volume rm \(name)"
            )
        }
    }
}
