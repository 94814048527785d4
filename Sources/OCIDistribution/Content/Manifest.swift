#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A manifest as a registry serves it: of one image, or an index of several.
package enum Manifest: Hashable, Sendable {
    case image(ImageManifest)
    case index(ImageIndex)

    /// The largest manifest that is read, as registries limit them (OCI distribution specification, "Pushing
    /// Manifests"); a larger one is refused before it is in memory.
    package static let largestSize = 4 << 20

    /// How many indexes may stand between a reference and an image: an index of indexes is legal, a chain without end
    /// is an attack.
    package static let deepestIndex = 3

    /// Reads a manifest.
    ///
    /// - Parameters:
    ///   - bytes: The manifest's exact bytes.
    ///   - mediaType: The type that the registry named. A manifest that claims another, or that could be read as both
    ///     kinds, is refused: two readers could disagree on what it is (CVE-2021-41190).
    /// - Throws: ``ManifestError``.
    package init(parsing bytes: [UInt8], mediaType: MediaType? = nil) throws(ManifestError) {
        guard bytes.count <= Self.largestSize else { throw .tooLarge(limit: Self.largestSize) }
        let data = Data(bytes)
        let shape: Shape
        do {
            shape = try JSONDecoder().decode(Shape.self, from: data)
        } catch {
            throw .malformed
        }
        let named = mediaType.flatMap { $0.isIndex || $0.isImageManifest ? $0 : nil }
        if let named, let claimed = shape.mediaType, claimed != named { throw .ambiguous }
        let isIndex = shape.manifests != nil
        let isImage = shape.config != nil || shape.layers != nil
        guard isIndex != isImage else {
            if isIndex { throw .ambiguous }
            throw .unsupported
        }
        if let type = named ?? shape.mediaType, type.isIndex || type.isImageManifest, type.isIndex != isIndex {
            throw .ambiguous
        }
        do {
            self =
                isIndex
                ? .index(try JSONDecoder().decode(ImageIndex.self, from: data))
                : .image(try JSONDecoder().decode(ImageManifest.self, from: data))
        } catch {
            throw .malformed
        }
    }

    /// The fields that tell the kinds apart, whatever is in them.
    private struct Shape: Decodable {
        struct Anything: Decodable {
            init(from decoder: any Decoder) throws {}
        }

        let mediaType: MediaType?
        let manifests: Anything?
        let config: Anything?
        let layers: Anything?
    }
}

/// Content that is no manifest that can be used.
package enum ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Larger than the given number of bytes.
    case tooLarge(limit: Int)
    /// Not JSON, or not of a manifest's form.
    case malformed
    /// Neither an image nor an index, such as a manifest of Docker's schema 1.
    case unsupported
    /// Of two kinds at once.
    case ambiguous

    package var description: String {
        switch self {
        case .tooLarge(let limit): "the manifest is larger than \(limit >> 20) MiB"
        case .malformed: "the manifest is damaged"
        case .unsupported: "the manifest is neither of an image nor of an index (schema 1 is no longer supported)"
        case .ambiguous: "the manifest can be read both as an image's and as an index"
        }
    }
}
