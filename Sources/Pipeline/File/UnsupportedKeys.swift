/// Keys that the file format has a meaning for and that this version cannot honour.
///
/// They are refused by name rather than as unknown ones: ignoring `secrets` or `mounts` would run something else than the
/// file says.
enum UnsupportedKeys {
    static let root = ["mounts", "secrets"]
    static let pipeline = root + ["network", "ownership", "park"]
    static let stage = ["network"]
    static let step = ["mounts", "network", "ownership", "park", "secrets", "security"]

    static func message(_ key: String) -> String { "`\(key)` is not supported by this version of Roost" }
}
