import Foundation
package import RoostCore

extension EngineClient {
    /// Whether it is Podman, which answers Docker's API in most of what it has.
    package var isPodman: Bool { about.components?.contains { $0.name == "Podman Engine" } ?? false }

    /// What tells this engine from every other: the ID of `GET /info`, and for Podman, which makes up a new one at each
    /// call, its socket's device and inode.
    ///
    /// - Parameter info: What ``info()`` has said.
    /// - Returns: The engine's name in the state.
    package func identity(by info: EngineInfo) -> EngineID {
        guard isPodman else { return EngineID(info.id.isEmpty ? endpoint.description : info.id) }
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
