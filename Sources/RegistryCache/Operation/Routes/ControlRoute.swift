import Foundation
package import NIOHTTP1
package import OCIDistribution
import RoostCore

/// What can be asked for on the control socket, parsed. A request has no body: all that it says is in its target.
package enum ControlRoute: Hashable, Sendable {
    case status
    case metrics
    case list(limit: Int)
    case collect(bytes: Int64?, dryRun: Bool)
    case pin(ImageReference, Platform)
    case unpin(ImageReference)
    case verify(bytesPerSecond: Int64?)
    case prefetch([ImageReference], Platform)

    /// A request that is none of these: a status, and what to say.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        package let status: Int
        package let description: String
        /// The methods that the path knows, where it does.
        package let allowed: String?

        init(_ status: Int, _ description: String, allowed: String? = nil) {
            self.status = status
            self.description = description
            self.allowed = allowed
        }
    }

    private static let methods = [
        "/v1/status": "GET", "/metrics": "GET", "/v1/blobs": "GET", "/v1/gc": "POST", "/v1/pins": "POST, DELETE",
        "/v1/verify": "POST", "/v1/prefetch": "POST",
    ]

    /// - Parameters:
    ///   - method: The request's method.
    ///   - target: The request's target: a path and a query.
    /// - Throws: ``Refusal``.
    package init(_ method: HTTPMethod, _ target: String) throws(Refusal) {
        guard target.utf8.count <= 65_536, let parts = URLComponents(string: target), parts.host == nil else {
            throw Refusal(400, "the target is not a path")
        }
        guard let methods = Self.methods[parts.path] else { throw Refusal(404, "there is no such path") }
        guard methods.split(separator: ", ").contains(Substring(method.rawValue)) else {
            throw Refusal(405, "the path takes \(methods)", allowed: methods)
        }
        let query = Query(items: parts.queryItems ?? [])
        switch parts.path {
        case "/v1/status": self = .status
        case "/metrics": self = .metrics
        case "/v1/blobs": self = .list(limit: Int(try query.number("limit") ?? .max))
        case "/v1/gc": self = .collect(bytes: try query.number("bytes"), dryRun: try query.flag("dry_run"))
        case "/v1/pins" where method == .DELETE: self = .unpin(try query.image())
        case "/v1/pins": self = .pin(try query.image(), try query.platform())
        case "/v1/verify": self = .verify(bytesPerSecond: try query.number("bytes_per_second"))
        default: self = .prefetch(try query.images(), try query.platform())
        }
    }

    /// The method and the target that ``init(_:_:)`` reads as this.
    package var request: (method: HTTPMethod, target: String) {
        switch self {
        case .status: (.GET, "/v1/status")
        case .metrics: (.GET, "/metrics")
        case .list(let limit): (.GET, Self.target("/v1/blobs", [("limit", "\(limit)")]))
        case .collect(let bytes, let dryRun):
            (.POST, Self.target("/v1/gc", bytes.map { [("bytes", "\($0)")] } ?? [], [("dry_run", "\(dryRun)")]))
        case .pin(let image, let platform):
            (.POST, Self.target("/v1/pins", [("image", image.description), ("platform", platform.description)]))
        case .unpin(let image): (.DELETE, Self.target("/v1/pins", [("image", image.description)]))
        case .verify(let rate):
            (.POST, Self.target("/v1/verify", rate.map { [("bytes_per_second", "\($0)")] } ?? []))
        case .prefetch(let images, let platform):
            (
                .POST,
                Self.target(
                    "/v1/prefetch",
                    images.map { ("image", $0.description) },
                    [("platform", platform.description)]
                )
            )
        }
    }

    private static func target(_ path: String, _ items: [(String, String)]...) -> String {
        let query = items.joined().map { "\($0.0)=\(PercentText.encode($0.1))" }.joined(separator: "&")
        return query.isEmpty ? path : "\(path)?\(query)"
    }
}

/// The query of a target, whose values are checked as they are asked for.
private struct Query {
    let items: [URLQueryItem]

    private func values(_ name: String) -> [String] { items.filter { $0.name == name }.compactMap(\.value) }

    func number(_ name: String) throws(ControlRoute.Refusal) -> Int64? {
        guard let text = values(name).first else { return nil }
        guard let number = Int64(text), number >= 0 else { throw .init(400, "\(name): expected a number") }
        return number
    }

    func flag(_ name: String) throws(ControlRoute.Refusal) -> Bool {
        switch values(name).first {
        case nil, "false": false
        case "true": true
        default: throw .init(400, "\(name): expected true or false")
        }
    }

    func image() throws(ControlRoute.Refusal) -> ImageReference {
        let images = try images()
        guard images.count == 1, let image = images.first else { throw .init(400, "image: expected one image") }
        return image
    }

    func images() throws(ControlRoute.Refusal) -> [ImageReference] {
        var images: [ImageReference] = []
        for text in values("image") {
            do throws(ImageReferenceError) {
                images.append(try ImageReference(parsing: text))
            } catch {
                throw .init(400, "image: \(error)")
            }
        }
        guard !images.isEmpty else { throw .init(400, "image: expected an image") }
        return images
    }

    func platform() throws(ControlRoute.Refusal) -> Platform {
        guard let text = values("platform").first else { return .host }
        do throws(PlatformError) {
            return try Platform(parsing: text)
        } catch {
            throw .init(400, "platform: \(error)")
        }
    }
}

/// A text with every byte escaped but letters, digits and `-._~`.
enum PercentText {
    static func encode(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-._~".utf8.contains(byte)
            if isPlain { return String(UnicodeScalar(byte)) }
            return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
