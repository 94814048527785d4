/// Who runs a host, as far as its name tells: the question that decides whether credentials may go there.
enum Site {
    /// Whether traffic to `host` stays on this machine. Names that DNS answers are never trusted to.
    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        guard let parts = ipv4(host) else { return false }
        return parts[0] == 127
    }

    /// Whether two hosts are one host or share a registrable domain (`registry.example.com`, `auth.example.com`).
    static func isSame(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        guard let domain = registrableDomain(left) else { return false }
        return registrableDomain(right) == domain
    }

    /// The part of a host name that one owner registered, or `nil` where there is none to tell.
    ///
    /// The full public suffix list changes weekly and isn't carried here. Where this knows too few suffixes it can
    /// only err between strangers who share one, and then a registry still has to name the other's host as its own
    /// token service.
    static func registrableDomain(_ host: String) -> String? {
        guard ipv4(host) == nil, !host.contains(":") else { return nil }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty }) else { return nil }
        let suffixLength = suffixLength(of: labels)
        guard labels.count > suffixLength else { return nil }
        return labels.suffix(suffixLength + 1).joined(separator: ".")
    }

    private static func suffixLength(of labels: [Substring]) -> Int {
        for length in [3, 2] where labels.count >= length {
            if sharedHosting.contains(labels.suffix(length).joined(separator: ".")) { return length }
        }
        guard labels.count >= 2, let country = labels.last, country.utf8.count == 2 else { return 1 }
        return countrySecondLevels.contains(String(labels[labels.count - 2])) ? 2 : 1
    }

    private static func ipv4(_ host: String) -> [Int]? {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            part.utf8.count <= 3 && part.utf8.allSatisfy(\.isDigit) ? Int(part) : nil
        }
        guard parts.count == 4, numbers.count == 4, numbers.allSatisfy({ $0 <= 255 }) else { return nil }
        return numbers
    }

    /// Labels under which a country's registry registers names, as in `co.uk`.
    private static let countrySecondLevels: Set<String> = [
        "ac", "biz", "co", "com", "edu", "firm", "gen", "go", "gob", "gouv", "gov", "govt", "id", "ind", "info", "ltd",
        "me", "mil", "ne", "net", "nhs", "nom", "or", "org", "plc", "police", "sch", "school", "web",
    ]

    /// Domains whose names belong to customers who don't know each other, registries among them.
    private static let sharedHosting: Set<String> = [
        "amazonaws.com", "amazonaws.com.cn", "appspot.com", "azurecr.cn", "azurecr.io", "azurecr.us",
        "azurecontainer.io", "azureedge.net", "azurewebsites.net", "cloudapp.azure.com", "cloudfront.net",
        "core.windows.net", "digitaloceanspaces.com", "firebaseapp.com", "fly.dev", "github.io", "gitlab.io",
        "googleapis.com", "herokuapp.com", "icr.io", "jfrog.io", "myhuaweicloud.com", "netlify.app", "ngrok.app",
        "ngrok.io", "ngrok-free.app", "ocir.io", "onrender.com", "pages.dev", "pkg.dev", "r2.dev", "run.app",
        "scw.cloud",
        "tencentcloudcr.com", "trafficmanager.net", "vercel.app", "web.app", "workers.dev", "aliyuncs.com",
    ]
}
