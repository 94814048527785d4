import Foundation
package import OCIDistribution

/// The credentials of one upstream, read each time that they are asked for, so that a token that was renewed is soon seen.
package struct LoginSource: CredentialSource, CustomStringConvertible, CustomReflectable {
    /// Longer than any token.
    static let largestToken = 64 << 10

    private let login: UpstreamLogin
    private let environment: [String: String]
    private let docker: any CredentialSource

    /// - Parameters:
    ///   - login: Where they are.
    ///   - environment: The environment variables.
    ///   - docker: What `docker login` has kept.
    package init(_ login: UpstreamLogin, environment: [String: String], docker: any CredentialSource) {
        self.login = login
        self.environment = environment
        self.docker = docker
    }

    package func credentials(for registry: String) async throws(CredentialError) -> Credentials? {
        switch login {
        case .anonymous: return nil
        case .dockerConfig: return try await docker.credentials(for: registry)
        case .file(let username, let path):
            return .password(username: username, password: try Self.token(inFile: path))
        case .variable(let username, let name):
            guard let text = environment[name] else { throw .tokenVariable(name: name, isSet: false) }
            guard let token = Self.token(in: text) else { throw .tokenVariable(name: name, isSet: true) }
            return .password(username: username, password: token)
        }
    }

    /// Without the environment, which may hold secrets.
    package var description: String { "\(login)" }
    package var customMirror: Mirror { Mirror(self, children: ["login": login]) }

    private static func token(inFile path: String) throws(CredentialError) -> String {
        let data: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            data = try file.read(upToCount: largestToken + 1) ?? Data()
        } catch {
            throw .tokenFile(path: path, cause: (error as? CocoaError).map(reason) ?? "the system refuses it")
        }
        guard data.count <= largestToken, let text = String(validating: data, as: UTF8.self),
            let token = token(in: text)
        else { throw .tokenFile(path: path, cause: "it does not hold one line of text") }
        return token
    }

    private static func reason(_ error: CocoaError) -> String {
        switch error.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such file"
        case .fileReadNoPermission: "permission denied"
        default: "the system refuses it"
        }
    }

    /// The text without the line break that editors put at its end; `nil` where that is nothing, or more than a line.
    static func token(in text: String) -> String? {
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty, bytes.count <= largestToken, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
