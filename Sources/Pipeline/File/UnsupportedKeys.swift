/// Keys that the file format has a meaning for and that this version cannot honour.
///
/// They are refused by name rather than as unknown ones: ignoring `needs` or `always` would run something else than the
/// file says.
enum UnsupportedKeys {
    static let root = ["always_stages", "memory_budget", "mounts", "secrets", "services", "workspace"]
    static let pipeline = root + ["max_retries", "network", "ownership", "park", "retry_on", "stop_grace"]
    static let stage = ["always", "network", "parallel", "services"]
    static let step = [
        "always", "backoff", "matrix", "max_retries", "mounts", "needs", "network", "ownership", "park", "retry_on",
        "secrets", "security", "services", "stop_grace",
    ]
    /// `parallel` has a meaning in the flat form already.
    static let stagedStep = step + ["parallel"]

    static func message(_ key: String) -> String { "`\(key)` is not supported by this version of Roost" }
}
