import DockerEngine
import RoostCore

/// Creates containers of a run, of steps and of services alike: under a name that is free, and from an image that may have gone
/// since the run pulled it.
struct ContainerCreation: Sendable {
    let engine: EngineClient
    let context: RunContext
    let emit: @Sendable (RunEvent.Kind) async -> Void

    /// How many names are tried.
    private static let mostNames = 4

    /// Creates a container, and looks whether the engine has done all that was asked.
    ///
    /// - Parameters:
    ///   - specification: What it is made of.
    ///   - name: Its name; with a suffix where that is taken.
    /// - Returns: The container, not started; its warnings are still to be told.
    /// - Throws: As `createChecked` does; a status of 409 where every name is taken.
    func create(
        _ specification: ContainerSpecification,
        name: (_ suffix: String?) -> String
    ) async throws -> CreatedContainer {
        try await Self.underFreeName(name) {
            try await engine.createChecked(name: $0, specification, limitsSwap: context.limitsSwap)
        }
    }

    /// Does `create` with a name, and again with a suffix where that is taken.
    ///
    /// - Parameters:
    ///   - name: The name; with a suffix where one is given.
    ///   - create: Creates a container of this name.
    /// - Returns: What `create` returns.
    /// - Throws: What `create` throws; a status of 409 where every name is taken.
    static func underFreeName<Made>(
        _ name: (_ suffix: String?) -> String,
        create: (String) async throws -> Made
    ) async throws -> Made {
        var current = name(nil)
        for _ in 0..<mostNames {
            do {
                return try await create(current)
            } catch let error as EngineError where error.statusCode == 409 {
                current = name(String(UInt32.random(in: 0...UInt32.max), radix: 16))
            }
        }
        throw EngineError.status(operation: "create container '\(current)'", code: 409, message: "every name is taken")
    }

    /// Hands the engine's remarks on a container on.
    func tellWarnings(of created: CreatedContainer) async {
        for warning in created.warnings ?? [] { await emit(.warning("the engine warns: \(warning)")) }
    }

    /// Does `create` with an image, and once more where the image has been deleted between the pull and now, by another prune
    /// or by hand.
    ///
    /// - Parameters:
    ///   - imageID: The image on the engine; `nil` for one that has to be looked for first.
    ///   - missing: Names whose image it is, and the image, for people.
    ///   - obtain: Brings the image onto the engine; returns its ID.
    ///   - create: Creates from the image of this ID.
    /// - Returns: What `create` returns.
    /// - Throws: What `obtain` and `create` throw.
    func withImage<Made>(
        _ imageID: String?,
        of missing: (user: String, image: String),
        obtain: () async throws -> String,
        create: (String) async throws -> Made
    ) async throws -> Made {
        let image: String
        if let imageID { image = imageID } else { image = try await obtain() }
        do {
            return try await create(image)
        } catch let error as EngineError where error.statusCode == 404 {
            await emit(
                .warning("\(missing.user): its image \(missing.image) has vanished from the engine; pulling again")
            )
            return try await create(try await obtain())
        }
    }
}
