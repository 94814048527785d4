import OCIDistribution
package import RoostCore

/// Reads the upstreams of a settings file:
///
///     [cache.upstreams."quay.io"]
///     url = "https://quay.io"
///     username = "robot"
///     token_file = "/run/secrets/quay"
package enum UpstreamReading {
    /// The most upstreams of a file.
    static let mostUpstreams = 100

    /// Reads the table `upstreams` of `cache`.
    ///
    /// - Parameters:
    ///   - cache: The table `cache`; the key `upstreams` counts as known from here on.
    ///   - known: The upstreams that are there already; a file's tables change or add some.
    /// - Returns: All upstreams. What is wrong is told to the reader's collector, and changes nothing.
    package static func read(
        _ cache: TOMLTableReader,
        onto known: [UpstreamConfiguration] = UpstreamConfiguration.standard
    ) -> [UpstreamConfiguration] {
        guard let table = cache.table("upstreams") else { return known }
        var upstreams = known
        for entry in table.table.entries {
            guard let node = table.node(entry.key), let reader = table.table(node) else { continue }
            guard UpstreamConfiguration.isName(entry.key) else {
                table.collector.error(UpstreamFlag.wrongName(entry.key), at: node.position, key: node.path)
                continue
            }
            let index = upstreams.firstIndex { $0.name == entry.key }
            let errorsBefore = table.collector.diagnostics.count
            let read = upstream(entry.key, reader, onto: index.map { upstreams[$0] })
            reader.finish()
            guard table.collector.diagnostics.count == errorsBefore, let read else { continue }
            if let index {
                upstreams[index] = read
            } else if upstreams.count < mostUpstreams {
                upstreams.append(read)
            } else {
                table.collector.error(
                    "more than \(mostUpstreams) upstreams can't be configured",
                    at: node.position,
                    key: node.path
                )
                break
            }
        }
        return upstreams
    }

    private static func upstream(
        _ name: String,
        _ reader: TOMLTableReader,
        onto known: UpstreamConfiguration?
    ) -> UpstreamConfiguration? {
        var endpoint = known?.endpoint ?? RegistryEndpoint(registry: name)
        var hosts = known?.permittedHosts ?? []
        if let url = reader.string("url") {
            if let given = UpstreamConfiguration.endpoint(url.value) {
                endpoint = given
                hosts.insert(given.host)
            } else {
                reader.collector.error(
                    "no URL of a registry: \(UpstreamFlag.wantedURL)",
                    at: url.position,
                    key: url.path
                )
            }
        }
        for host in reader.readableStrings("private_hosts", expected: "a list of hosts")?.strings.value ?? [] {
            if let name = hostName(host.value) {
                hosts.insert(name)
            } else {
                reader.collector.error(
                    "no name or address of a host: write it without a scheme, a port or a path",
                    at: host.position,
                    key: host.path
                )
            }
        }
        let login = login(reader, endpoint)
        return UpstreamConfiguration(
            name: name,
            endpoint: endpoint,
            login: login ?? known?.login ?? .dockerConfig,
            permittedHosts: hosts
        )
    }

    private static func login(_ reader: TOMLTableReader, _ endpoint: RegistryEndpoint) -> UpstreamLogin? {
        let isAnonymous = reader.boolean("anonymous")
        let username = reader.string("username")
        let file = reader.string("token_file", expected: "the path of a file")
        let variable = reader.string("token_env", expected: "the name of an environment variable")
        reader.refuse(["token", "password"]) { key in
            "a secret can't stand here, where others read it: name a file by token_file, or a variable by token_env"
        }
        let secret = file ?? variable
        if let isAnonymous, isAnonymous.value, let other = username ?? secret {
            report("cannot stand beside anonymous = true", other, reader)
            return nil
        }
        if file != nil, let variable {
            report("cannot stand beside token_file: only one of them can be the token's place", variable, reader)
            return nil
        }
        if isAnonymous?.value == true { return .anonymous }
        guard let secret else {
            if let username { report("needs token_file or token_env beside it", username, reader) }
            return nil
        }
        guard let username else {
            report("needs username beside it", secret, reader)
            return nil
        }
        guard isUserName(username.value) else {
            report("no name of a user: it is empty, or holds a colon or a control character", username, reader)
            return nil
        }
        guard endpoint.protectsSecrets else {
            report("would cross the network unencrypted: use https in url", secret, reader)
            return nil
        }
        if file != nil {
            guard secret.value.hasPrefix("/"), secret.value.utf8.allSatisfy({ $0 != 0 }) else {
                report("expected a path from / on", secret, reader)
                return nil
            }
            return .file(username: username.value, path: secret.value)
        }
        guard isVariableName(secret.value) else {
            report("no name of an environment variable", secret, reader)
            return nil
        }
        return .variable(username: username.value, name: secret.value)
    }

    private static func report(_ message: String, _ found: Located<String>, _ reader: TOMLTableReader) {
        reader.collector.error(message, at: found.position, key: found.path)
    }

    /// What Basic can carry: a colon would end it.
    private static func isUserName(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: ":") }
    }

    private static func isVariableName(_ text: String) -> Bool {
        guard (1...256).contains(text.utf8.count), text.utf8.first.map({ $0 >= 0x3a }) == true else { return false }
        return text.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        }
    }

    /// A host as addresses hold it: lowercase, an IPv6 address without brackets.
    private static func hostName(_ text: String) -> String? {
        if let address = InternetAddress(parsing: text), !text.contains("%") {
            return address.description
        }
        guard !text.contains(":"), let endpoint = UpstreamConfiguration.endpoint("https://\(text)"),
            endpoint.port == nil
        else { return nil }
        return endpoint.host
    }
}
