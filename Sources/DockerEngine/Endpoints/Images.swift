import Foundation
import NIOCore
import NIOHTTP1
package import OCIDistribution
import RoostCore

extension EngineClient {
    /// `GET /images/json`: all tagged and dangling images, without intermediate ones.
    package func images() async throws -> [ImageSummary] {
        try await call(request(.GET, "/images/json", "list images"))
    }

    /// `GET /images/{name}/json`: one image.
    ///
    /// - Parameter name: A reference as the engine takes it, or an image ID.
    /// - Returns: The image, or `nil` where the engine has none by that name.
    /// - Throws: ``EngineError`` or `CancellationError`.
    package func inspectImage(_ name: String) async throws -> ImageInspection? {
        do {
            return try await call(
                request(.GET, "/images/\(PercentEncoding.encode(name))/json", "inspect image '\(name)'")
            )
        } catch let error as EngineError where error.statusCode == 404 {
            return nil
        }
    }

    /// `POST /images/create`: pulls one tag or digest.
    ///
    /// - Parameters:
    ///   - reference: What to pull; without a tag and a digest `latest`, since the engine would pull every tag.
    ///   - platform: Such as `linux/arm64`; `nil` for the engine's own.
    ///   - credentials: For the reference's registry.
    ///   - deadline: For the whole pull.
    ///   - onMessage: Called with each message of the pull's stream, in order.
    /// - Throws: ``EngineError/inStream(operation:message:)`` where the pull fails after it has begun.
    package func pull(
        _ reference: ImageReference,
        platform: String? = nil,
        credentials: Credentials? = nil,
        deadline: Duration,
        onMessage: @escaping @Sendable (PullMessage) async throws -> Void
    ) async throws {
        let tag = reference.digest?.description ?? reference.tag ?? "latest"
        var pull = request(.POST, "/images/create", "pull '\(reference.familiar)'", deadline: deadline)
            .with(query: [("fromImage", reference.name), ("tag", tag)])
        if let platform { pull.query.append(("platform", platform)) }
        if let credentials {
            pull.headers.add(
                name: "X-Registry-Auth",
                value: try RegistryAuthorization(credentials, registry: reference.registry).headerValue
            )
        }
        let final = pull
        do {
            try await withDeadline(deadline, final.operation) {
                try await open(final).forEachLine(as: PullMessage.self, onMessage)
            }
        } catch let error as DeadlineExceeded {
            throw transport.translate(error, final)
        }
    }

    /// `POST /images/{name}/tag`: gives an image another name.
    package func tagImage(_ name: String, as reference: ImageReference) async throws {
        try await call(
            request(
                .POST,
                "/images/\(PercentEncoding.encode(name))/tag",
                "tag '\(name)' as '\(reference.familiar)'"
            )
            .with(query: [("repo", reference.name), ("tag", reference.tag ?? "latest")])
        )
    }

    /// `DELETE /images/{name}`: takes a name from an image, and deletes the image with its last name.
    ///
    /// - Parameters:
    ///   - name: A reference, or an image ID.
    ///   - force: Also where a stopped container uses it, or an ID that has several names.
    /// - Returns: What was untagged and what was deleted.
    /// - Throws: A status of 404 where there is none by that name, of 409 where it is in use.
    package func removeImage(_ name: String, force: Bool = false) async throws -> [ImageRemoval] {
        try await call(
            request(
                .DELETE,
                "/images/\(PercentEncoding.encode(name))",
                "remove image '\(name)'",
                deadline: deadlines.remove
            )
            .with(query: force ? [("force", "true")] : [])
        )
    }
}

/// The `X-Registry-Auth` header: an `AuthConfig` as JSON in base64url
/// ([API: authentication](https://docs.docker.com/reference/api/engine/version/v1.41/#section/Authentication)).
struct RegistryAuthorization: Encodable {
    let username: String?
    let password: String?
    let identityToken: String?
    let serverAddress: String

    init(_ credentials: Credentials, registry: String) {
        switch credentials {
        case .password(let username, let password):
            (self.username, self.password, identityToken) = (username, password, nil)
        case .identityToken(let token):
            (username, password, identityToken) = (nil, nil, token)
        }
        // The daemon knows Docker Hub's credentials by the address of its old index.
        serverAddress = registry == "docker.io" ? "https://index.docker.io/v1/" : registry
    }

    enum CodingKeys: String, CodingKey {
        case username
        case password
        case identityToken = "identitytoken"
        case serverAddress = "serveraddress"
    }

    var headerValue: String {
        get throws {
            try JSONEncoder().encode(self).base64EncodedString()
                .replacing("+", with: "-")
                .replacing("/", with: "_")
        }
    }
}
