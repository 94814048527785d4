package import OCIDistribution
import RoostCore

/// `NAME=URL`, as `--upstream` takes it.
package struct UpstreamFlag: Hashable, Sendable {
    package let name: String
    package let endpoint: RegistryEndpoint

    /// What is wrong with a flag, and what it should look like.
    package struct Malformed: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// Reads a flag. Errors show nothing of a URL that may hold a password.
    package init(parsing text: String) throws(Malformed) {
        guard let equals = text.firstIndex(of: "=") else {
            throw Malformed(
                description: "\(QuotedText(text)) names no URL: write NAME=URL, such as quay.io=https://quay.io"
            )
        }
        let name = String(text[..<equals])
        guard UpstreamConfiguration.isName(name) else { throw Malformed(description: Self.wrongName(name)) }
        guard let endpoint = UpstreamConfiguration.endpoint(String(text[text.index(after: equals)...])) else {
            throw Malformed(description: "the URL of \(name) can't be used: \(Self.wantedURL)")
        }
        self.name = name
        self.endpoint = endpoint
    }

    static func wrongName(_ name: String) -> String {
        "\(QuotedText(name)) can't name a registry: write it as references do, such as docker.io or registry.corp:5000"
    }

    static let wantedURL = "write http:// or https:// and a host, without a user, a path or a query"
}

extension [UpstreamConfiguration] {
    /// The upstreams with those of the flags: a known name gets the new URL and keeps its login.
    package func applying(_ flags: [UpstreamFlag]) -> [UpstreamConfiguration] {
        var upstreams = self
        for flag in flags {
            let index = upstreams.firstIndex { $0.name == flag.name }
            let known = index.map { upstreams[$0] }
            guard
                let upstream = UpstreamConfiguration(
                    name: flag.name,
                    endpoint: flag.endpoint,
                    login: known?.login ?? .dockerConfig,
                    permittedHosts: (known?.permittedHosts ?? []).union([flag.endpoint.host])
                )
            else { continue }
            if let index { upstreams[index] = upstream } else { upstreams.append(upstream) }
        }
        return upstreams
    }
}
