import ArgumentParser
import Foundation
import OCIDistribution
import RegistryCache
import RoostCore

/// Which cache is asked, and how it is told.
struct CacheControlOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Option(
        help: ArgumentHelp(
            "The cache's control socket. Default: that of the settings, else of the cache that systemd starts.",
            valueName: "path"
        ),
        completion: .file()
    )
    var control: String?

    @Option(name: .customLong("dir"), help: ArgumentHelp("The cache's folder, with its socket.", valueName: "folder"))
    var folder: String?

    @Option(help: "text or json.")
    var format = Format.text

    /// Asks the cache.
    func ask<Value: Sendable>(_ body: @Sendable (ControlClient) async throws -> Value) async throws -> Value {
        let settings = try CacheSettings.load(CacheSettings.Given(folder: folder, control: control))
        return try await ControlClient.with(settings.controls, body)
    }

    /// Writes a document, in the form that was asked for.
    func write(_ document: some Encodable, _ text: @autoclosure () -> String) async throws {
        switch format {
        case .text:
            let lines = text().split(separator: "\n", omittingEmptySubsequences: false)
            try OutputWriter.standardOutput.enqueue(
                lines.map { TextSanitizer.plain(String($0)) }.joined(separator: "\n")
            )
        case .json: try OutputWriter.standardOutput.enqueue(try StateJSON.encode(document))
        }
        try await OutputWriter.standardOutput.flush()
    }

    /// Tells a step of something that takes its time, on standard error where text is wanted.
    func tell(_ progress: CacheProgress) async throws {
        guard format == .text else { return }
        try OutputWriter.standardError.enqueue(TextSanitizer.plain(CacheText.line(progress)) + "\n")
        try await OutputWriter.standardError.flush()
    }

    static func image(_ text: String) throws -> ImageReference {
        do throws(ImageReferenceError) {
            return try ImageReference(parsing: text)
        } catch {
            throw UsageError(description: "\(error)")
        }
    }

    static func platform(_ text: String?) throws -> Platform {
        guard let text else { return .host }
        do throws(PlatformError) {
            return try Platform(parsing: text)
        } catch {
            throw UsageError(description: "--platform: \(error)")
        }
    }

    static func size(_ text: String?, _ option: String) throws -> Int64? {
        guard let text else { return nil }
        guard let size = ByteCount(parsing: text), size.bytes > 0 else {
            throw UsageError(
                description: "\(option): expected a size such as 5gb, found \(PrintableText.quoted(text, limit: 40))"
            )
        }
        return size.bytes
    }
}
