import Foundation
import NIOCore
import RoostTesting

/// An image that is on the engine for the time of one benchmark.
struct EngineImage {
    /// The name by which Roost's pipelines have it.
    let reference: String
    /// The ID, by which Docker's command line takes it without a look at its name.
    let id: String
}

extension Workbench {
    /// Brings an image onto the engine for `body` and removes it afterwards: other benchmarks want the engine empty.
    ///
    /// - Parameters:
    ///   - name: What the image's name begins with.
    ///   - image: The image.
    ///   - body: What to do with it.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or the failure to bring the image there.
    func withImage<Result>(
        _ name: String,
        _ image: TestImage,
        body: (EngineImage) async throws -> Result
    ) async throws -> Result {
        let registry = try TestEnvironment.requireRegistry()
        let repository = UniqueName.make(name)
        let reference = "\(registry)/\(repository):1"
        try await image.push(to: registry, repository: repository, tag: "1")
        _ = try await docker("pull", reference).output()
        let result: Result
        do {
            result = try await body(EngineImage(reference: reference, id: image.configurationDigest))
        } catch {
            _ = try? await docker("image", "rm", reference).output()
            throw error
        }
        _ = try await docker("image", "rm", reference).output()
        return result
    }

    /// What Roost sets for a step's container, in the words of Docker's command line.
    func peerFlags() async throws -> [String] {
        let limitsSwap = try await docker("info", "--format", "{{.SwapLimit}}").output().hasPrefix("true")
        return ["--memory", "512m"] + (limitsSwap ? ["--memory-swap", "512m"] : []) + [
            "--init", "--workdir", "/workspace",
            "--mount", "type=bind,source=\(sandbox.project),target=/workspace",
            "--log-driver", "local",
            "--log-opt", "max-size=10g", "--log-opt", "max-file=2", "--log-opt", "compress=false",
        ]
    }
}

extension TestImage {
    /// The busybox image with ``CompiledProgram/stamp`` at `/bin/stamp`.
    static func stamping() throws -> TestImage {
        let program = try Data(contentsOf: URL(filePath: try CompiledProgram.stamp.path()))
        let layer = try TestLayer(files: [.file("/bin/stamp", mode: 0o755, ByteBuffer(bytes: program))])
        return try TestImage(layers: [.busybox(), layer])
    }
}
