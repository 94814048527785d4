#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A token service's answer.
struct TokenAnswer {
    /// The token, fit to stand in a header.
    let token: String
    /// How long to use it: less than it lives, so that none expires on its way.
    let usableFor: Duration

    /// The largest answer that is read, in bytes.
    static let largestSize = 256 << 10

    init?(_ body: [UInt8]) {
        guard let answer = try? JSONDecoder().decode(Body.self, from: Data(body)),
            let token = [answer.token, answer.accessToken].compactMap(\.self).first(where: { !$0.isEmpty }),
            token.utf8.count <= 64 << 10, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        self.token = token
        // A minute where the answer doesn't say, by the specification; an hour at most is believed.
        let lifetime = answer.expiresIn.flatMap { $0 > 0 ? min($0, 3600) : nil } ?? 60
        usableFor = .seconds(lifetime * 3 / 4)
    }

    private struct Body: Decodable {
        let token: String?
        let accessToken: String?
        let expiresIn: Double?

        enum CodingKeys: String, CodingKey {
            case token
            case accessToken = "access_token"
            case expiresIn = "expires_in"
        }
    }
}
