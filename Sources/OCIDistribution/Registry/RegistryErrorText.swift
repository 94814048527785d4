import NIOCore
import NIOPosix
import NIOSSL

extension RegistryError: CustomStringConvertible {
    /// What happened, to which image and where, and what to do next.
    package var description: String {
        switch failure {
        case .notFound:
            "\(image) was not found at \(endpoint): check its name and tag"
        case .invalidName:
            "\(endpoint) refuses the name \(image): check how it is written"
        case .unauthorized(let use):
            unauthorized(use)
        case .forbidden:
            "\(endpoint) denies access to \(image): check its name, and that your account may pull it (\(login))"
        case .rateLimited(let time):
            "\(endpoint) limits the rate of requests, asked for \(image): wait\(Self.wait(time)), or \(login)"
        case .server(let status, let time):
            "\(endpoint) failed with status \(status), asked for \(image): try again\(Self.wait(time))"
        case .unexpected(let status):
            "\(endpoint) answered with the unexpected status \(status), asked for \(image): "
                + "check that it is a registry"
        case .unreachable(let cause):
            "\(endpoint) can't be reached for \(image) (\(Self.text(of: cause))): check the network and the registry"
        case .timedOut(let limit):
            "\(endpoint) did not answer within \(limit.formattedSeconds), asked for \(image): check the network"
        case .cancelled:
            "the request to \(endpoint) for \(image) was cancelled"
        case .tooLarge(let limit):
            "\(endpoint) gives more than \(limit) bytes for \(image), which no manifest needs: check the registry"
        case .digestMismatch(let expected, let actual):
            "\(endpoint) gives other content for \(image): expected \(expected), got \(actual); "
                + "don't use it, and check the registry and what stands between"
        case .invalidManifest(let error):
            "\(endpoint) gives no usable manifest for \(image): \(error)"
        case .noSuchPlatform(let platform):
            "\(image) has no image for \(platform) at \(endpoint): name another platform or another image"
        case .invalidResponse(let what):
            "\(endpoint) broke the registry protocol, asked for \(image): \(what)"
        case .credentials(let cause):
            "the credentials for \(reference.registry), needed for \(image), could not be read: \(cause)"
        }
    }

    private var image: String { reference.familiar }

    private var login: String {
        reference.registry == ImageReference.dockerHub ? "docker login" : "docker login \(reference.registry)"
    }

    private func unauthorized(_ use: CredentialUse) -> String {
        // Docker Hub and most others answer 401 for a repository that doesn't exist, so as not to tell private ones.
        let either = "\(image) does not exist at \(endpoint), or it is private"
        return switch use {
        case .absent: "\(either): check its name, or log in with: \(login)"
        case .refused: "\(either) and your account may not pull it: check its name, or log in again with: \(login)"
        case .withheld(let host):
            "\(either): your credentials were not sent to \(host), which is on another site than the registry"
        case .withheldOverPlainHTTP:
            "\(either): your credentials were not sent, since the connection is not encrypted; use HTTPS"
        }
    }

    private static func wait(_ time: Duration?) -> String {
        time.map { " \($0.formattedSeconds)" } ?? " a while"
    }

    /// A cause in few words. Errors of the network are long and nested; the first that says something is taken.
    private static func text(of cause: any Error) -> String {
        switch cause {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return text(of: first.error) }
            return "the host's name can't be resolved"
        case let error as IOError:
            return error.description
        case let error as NIOSSLError:
            return "TLS failed: \(QuotedText(String(describing: error), limit: 200))"
        case let error as any CustomStringConvertible:
            return QuotedText(error.description, limit: 200).unquoted
        default:
            return QuotedText(String(describing: cause), limit: 200).unquoted
        }
    }
}

extension Duration {
    /// Whole seconds, or tenths below ten: `15 s`, `0.5 s`.
    fileprivate var formattedSeconds: String {
        let tenths = Int64((self / .milliseconds(100)).rounded())
        return tenths >= 100 || tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
}
