import Foundation
import RegistryCache
import RoostCore

/// How the image cache is to be served: command line, environment, the user's file, the system's file, default.
struct CacheSettings: Sendable {
    /// What the command line gives, as text.
    struct Given: Sendable {
        var listen: String?
        var folder: String?
        var maxSize: String?
        var minFree: String?
        var freshFor: String?
        var control: String?
        var upstreams: [String] = []
    }

    /// What one place says.
    struct Layer: Sendable {
        var listen: ListenAddress?
        var folder: String?
        var maxSize: ByteCount?
        var minFree: ByteCount?
        var freshFor: Duration?
        var control: String?
    }

    var listen: ListenAddress
    var folder: String
    /// `nil` for a share of the disk.
    var maxSize: ByteCount?
    var minFree: ByteCount
    var freshFor: Duration
    /// Where the control socket may be, the likeliest place first; a cache opens the first.
    var controls: [String]
    var upstreams: [UpstreamConfiguration]

    /// What stays free of the disk where nobody says.
    static let standardFloor = ByteCount(1 << 30)

    /// The settings of this call.
    ///
    /// - Throws: ``SettingsError`` with all that is wrong.
    static func load(
        _ given: Given = Given(),
        environment: [String: String] = ProcessInfo.processInfo.environment,
        systemFile: String = SettingsLoader.systemFile
    ) throws -> CacheSettings {
        var problems: [String] = []
        let folders = RoostFolders(environment: environment)
        let userFile = folders.configuration.appending(path: "config.toml", directoryHint: .notDirectory)
            .path(percentEncoded: false)
        let system = SettingsFile.readCache(systemFile, onto: UpstreamConfiguration.standard)
        let user = SettingsFile.readCache(userFile, onto: system.upstreams)
        problems += (system.diagnostics + user.diagnostics).map(\.description)
        let variables = Given(
            listen: variable("LISTEN", environment),
            folder: variable("DIR", environment),
            maxSize: variable("MAX_SIZE", environment),
            minFree: variable("MIN_FREE", environment),
            freshFor: variable("FRESH_FOR", environment),
            control: variable("CONTROL", environment)
        )
        let layers = [
            layer(given, named: { "--" + $0 }, &problems),
            layer(variables, named: { "ROOST_CACHE_" + $0.uppercased().replacing("-", with: "_") }, &problems),
            user.layer, system.layer,
        ]
        var flags: [UpstreamFlag] = []
        for text in given.upstreams {
            do throws(UpstreamFlag.Malformed) {
                flags.append(try UpstreamFlag(parsing: text))
            } catch {
                problems.append("--upstream: \(error)")
            }
        }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        let usual = folders.cache.appending(path: "registry", directoryHint: .isDirectory).path(percentEncoded: false)
        let chosen = layers.compactMap(\.folder).first
        return CacheSettings(
            listen: layers.compactMap(\.listen).first ?? .standard,
            folder: chosen ?? usual,
            maxSize: layers.compactMap(\.maxSize).first,
            minFree: layers.compactMap(\.minFree).first ?? standardFloor,
            freshFor: layers.compactMap(\.freshFor).first ?? .seconds(300),
            controls: controls(layers.compactMap(\.control).first, folder: chosen, usual: usual),
            upstreams: user.upstreams.applying(flags)
        )
    }

    /// Where nobody names a socket or a folder, the cache may also be the one that systemd starts.
    private static func controls(_ control: String?, folder: String?, usual: String) -> [String] {
        if let control { return [absolute(control)] }
        let folders = folder.map { [$0] } ?? [usual, CacheUnit.cacheFolder]
        return folders.map { absolute(URL(filePath: $0).appending(path: "control.sock").path(percentEncoded: false)) }
    }

    private static func absolute(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
    }

    private static func variable(_ name: String, _ environment: [String: String]) -> String? {
        environment["ROOST_CACHE_" + name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func layer(
        _ given: Given,
        named name: (String) -> String,
        _ problems: inout [String]
    ) -> Layer {
        var layer = Layer()
        if let text = given.listen {
            do throws(ListenAddress.Problem) {
                layer.listen = try ListenAddress(parsing: text)
            } catch {
                problems.append("\(name("listen")): \(error)")
            }
        }
        layer.folder = given.folder
        layer.control = given.control
        layer.maxSize = size(given.maxSize, name("max-size"), &problems)
        layer.minFree = size(given.minFree, name("min-free"), &problems)
        if let text = given.freshFor {
            layer.freshFor = DurationText.parse(text)
            if layer.freshFor == nil {
                problems.append(
                    "\(name("fresh-for")): expected a duration such as 5m, found \(PrintableText.quoted(text, limit: 40))"
                )
            }
        }
        return layer
    }

    private static func size(_ text: String?, _ name: String, _ problems: inout [String]) -> ByteCount? {
        guard let text else { return nil }
        if let size = ByteCount(parsing: text), size.bytes > 0 { return size }
        problems.append("\(name): expected a size such as 20gb, found \(PrintableText.quoted(text, limit: 40))")
        return nil
    }

    /// The cap where nobody sets one: the smaller of 20 GB and a fifth of the disk.
    ///
    /// - Parameter folder: A folder on that disk.
    /// - Returns: The cap; `nil` where the disk can't be looked at.
    static func standardCap(of folder: String) -> ByteCount? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        guard let size = (attributes?[.systemSize] as? NSNumber)?.int64Value else { return nil }
        return ByteCount(min(20_000_000_000, size / 5))
    }
}

extension SettingsFile {
    /// Reads the table `cache` of a settings file, where there is one.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - upstreams: Those that are known so far.
    /// - Returns: What the table says, the upstreams after it, and all that is wrong with it.
    static func readCache(
        _ path: String,
        onto upstreams: [UpstreamConfiguration]
    ) -> (layer: CacheSettings.Layer, upstreams: [UpstreamConfiguration], diagnostics: [Diagnostic]) {
        let nothing = CacheSettings.Layer()
        let (text, problem) = text(path)
        guard let text else { return (nothing, upstreams, problem.map { [$0] } ?? []) }
        let parsed = TOMLDocument.parse(text, file: path)
        guard let document = parsed.document else { return (nothing, upstreams, parsed.diagnostics) }
        let collector = DiagnosticCollector(file: path)
        let (layer, read) = cache(TOMLTableReader(document.root, collector: collector), onto: upstreams)
        return (layer, read, (parsed.diagnostics + collector.diagnostics).sortedByPosition())
    }

    /// Reads the table `cache`; what is wrong is told to the reader's collector.
    static func cache(
        _ root: TOMLTableReader,
        onto upstreams: [UpstreamConfiguration]
    ) -> (layer: CacheSettings.Layer, upstreams: [UpstreamConfiguration]) {
        var layer = CacheSettings.Layer()
        guard let reader = root.table("cache") else { return (layer, upstreams) }
        if let text = reader.string("listen") {
            do throws(ListenAddress.Problem) {
                layer.listen = try ListenAddress(parsing: text.value)
            } catch {
                reader.collector.error("\(error)", at: text.position, key: text.path)
            }
        }
        if let folder = reader.string("dir", expected: "the path of a folder") {
            if folder.value.hasPrefix("/") {
                layer.folder = folder.value
            } else {
                reader.collector.error("expected a path from / on", at: folder.position, key: folder.path)
            }
        }
        if let control = reader.string("control", expected: "the path of a socket") {
            if control.value.hasPrefix("/") {
                layer.control = control.value
            } else {
                reader.collector.error("expected a path from / on", at: control.position, key: control.path)
            }
        }
        layer.maxSize = reader.byteCount("max_size")?.value
        layer.minFree = reader.byteCount("min_free")?.value
        layer.freshFor = reader.duration("fresh_for")?.value
        let read = UpstreamReading.read(reader, onto: upstreams)
        reader.finish()
        return (layer, read)
    }
}
