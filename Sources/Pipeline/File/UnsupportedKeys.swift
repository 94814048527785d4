/// Keys that the file format has a meaning for and that this version cannot honour.
///
/// They are refused by name rather than as unknown ones: ignoring `mounts` or `services` would run something else than the
/// file says.
enum UnsupportedKeys {
    static let root = ["mounts", "services"]
    static let pipeline = root + ["network", "ownership"]
    static let stage = ["network", "services"]
    static let step = ["mounts", "network", "ownership", "security", "services"]

    static func message(_ key: String) -> String { "`\(key)` is not supported by this version of Roost" }
}
