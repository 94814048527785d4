#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension RegistryError.Failure {
    /// What a status other than success means, 401 apart, whose meaning depends on the credentials.
    init(_ response: RegistryTransport.Response) {
        switch response.status {
        case 404: self = .notFound
        case 403: self = .forbidden
        case 429: self = .rateLimited(retryAfter: RetryAfter.parse(response.headers))
        case 500...: self = .server(status: response.status, retryAfter: RetryAfter.parse(response.headers))
        case 400 where Self.codes(response.body).contains(where: Self.nameCodes.contains): self = .invalidName
        default: self = .unexpected(status: response.status)
        }
    }

    private static let nameCodes: Set<String> = ["NAME_INVALID", "TAG_INVALID"]

    /// The codes of an error's body (OCI distribution specification, "Error Codes").
    private static func codes(_ body: [UInt8]) -> [String] {
        struct Body: Decodable {
            struct Entry: Decodable {
                let code: String?
            }

            let errors: [Entry]
        }
        return (try? JSONDecoder().decode(Body.self, from: Data(body)))?.errors.compactMap(\.code) ?? []
    }
}
