/// Keys that the file format has a meaning for and that this version cannot honour.
///
/// They are refused by name rather than as unknown ones: ignoring `services` would run something else than the
/// file says.
enum UnsupportedKeys {
    static let root = ["services"]
    static let pipeline = root + ["ownership"]
    static let stage = ["services"]
    static let step = ["ownership", "services"]

    static func message(_ key: String) -> String { "`\(key)` is not supported by this version of Roost" }
}
