import Foundation
import RegistryCache
import RoostCore

/// Reads a `config.toml` into a layer.
enum SettingsFile {
    /// Reads the file at a place, where there is one.
    ///
    /// - Returns: The layer, without values where the file is missing or wrong, and all that is wrong with it.
    static func read(_ place: SettingsLayer.Place, path: String) -> (layer: SettingsLayer, diagnostics: [Diagnostic]) {
        let (text, problem) = text(path)
        guard let text else { return (SettingsLayer(place), problem.map { [$0] } ?? []) }
        return parse(text, place, path: path)
    }

    /// - Returns: The file's text, or what is wrong with it; neither where it is missing.
    static func text(_ path: String) -> (text: String?, problem: Diagnostic?) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch CocoaError.fileReadNoSuchFile {
            return (nil, nil)
        } catch {
            let reason = (error as NSError).localizedFailureReason ?? error.localizedDescription
            return (nil, Diagnostic(.error, file: path, message: "can't be read: \(reason)"))
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            return (nil, Diagnostic(.error, file: path, message: "is not UTF-8"))
        }
        return (text, nil)
    }

    /// Reads a file's text; every unknown key and wrong value is told, with its line.
    static func parse(
        _ text: String,
        _ place: SettingsLayer.Place,
        path: String
    ) -> (layer: SettingsLayer, diagnostics: [Diagnostic]) {
        var layer = SettingsLayer(place)
        let parsed = TOMLDocument.parse(text, file: path)
        guard let document = parsed.document else { return (layer, parsed.diagnostics) }
        let collector = DiagnosticCollector(file: path)
        let reader = TOMLTableReader(document.root, collector: collector)
        for key in SettingKey.allCases {
            guard let found = value(key, reader) else { continue }
            layer.set(key, found.value, line: found.position?.line)
        }
        // Checked by every verb, used by those of the cache.
        _ = cache(reader, onto: UpstreamConfiguration.standard)
        reader.finish()
        return (layer, (parsed.diagnostics + collector.diagnostics).sortedByPosition())
    }

    private static func value(_ key: SettingKey, _ reader: TOMLTableReader) -> Located<SettingValue>? {
        switch key.kind {
        case .number(let range):
            return reader.integer(key.rawValue, in: range)?.map(SettingValue.number)
        case .flag:
            return reader.boolean(key.rawValue)?.map(SettingValue.flag)
        case .duration:
            guard let found = reader.duration(key.rawValue) else { return nil }
            if found.value > .zero { return found.map(SettingValue.duration) }
            reader.collector.error("expected a duration above zero", at: found.position, key: found.path)
            return nil
        case .budget:
            return reader.memoryBudget(key.rawValue)?.map(SettingValue.budget)
        case .word:
            // The one setting with words is the colour; its type names them.
            return reader.choice(key.rawValue, of: ColorChoice.self)?.map { .word($0.rawValue) }
        }
    }
}
