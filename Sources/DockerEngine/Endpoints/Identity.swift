import Foundation
package import RoostCore

extension EngineClient {
    /// What tells this engine from every other: the ID of `GET /info`, and for Podman, which makes up a new one at each
    /// call, its socket's device and inode.
    ///
    /// - Throws: ``EngineError`` or `CancellationError`.
    package func identity() async throws -> EngineID {
        let isPodman = about.components?.contains { $0.name == "Podman Engine" } ?? false
        guard isPodman else {
            let id = try await info().id
            return EngineID(id.isEmpty ? endpoint.description : id)
        }
        if case .unix(let path) = endpoint.address {
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            if let device = (attributes?[.systemNumber] as? NSNumber)?.uint64Value,
                let inode = (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value
            {
                return EngineID("podman:\(device):\(inode)")
            }
        }
        return EngineID("podman:\(endpoint)")
    }
}
