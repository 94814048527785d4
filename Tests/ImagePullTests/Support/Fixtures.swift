import Foundation
import OCIDistribution

@testable import DockerEngine
@testable import ImagePull

/// A reference, or the test's failure.
func ref(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }

/// A digest that follows from a number.
func digest(_ number: UInt8) -> Digest { .sha256(of: [number]) }

let amd64 = Platform(os: "linux", architecture: "amd64")
let arm64 = Platform(os: "linux", architecture: "arm64")

func image(
    _ id: String,
    _ digests: [(name: String, digest: Digest)] = [],
    platform: Platform = amd64
) -> EngineImage {
    EngineImage(
        id: id,
        repoDigests: digests.map { EngineImage.RepoDigest(name: $0.name, digest: $0.digest) },
        platform: platform
    )
}

func failure(
    _ image: ImageReference,
    _ kind: PullFailure.Kind = .notFound,
    _ message: String = "not found",
    isDefinite: Bool = true
) -> PullFailure {
    PullFailure(image: image, kind: kind, message: message, isDefinite: isDefinite)
}

/// Messages as they stand in an engine's stream, one a line.
func messages(_ lines: String) throws -> [PullMessage] {
    try lines.split(separator: "\n").map { try JSONDecoder().decode(PullMessage.self, from: Data($0.utf8)) }
}

func registryConfiguration(_ json: String) throws -> EngineInfo.RegistryConfiguration {
    try JSONDecoder().decode(EngineInfo.RegistryConfiguration.self, from: Data(json.utf8))
}

extension ImagePull.WantedImage {
    static func one(_ text: String, _ policy: PullPolicy = .missing, group: Int = 0) throws -> WantedImage {
        let merged = WantedImage.merge([PullRequest(reference: try ref(text), policy: policy, group: group)])
        return merged[0]
    }
}
