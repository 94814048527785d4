package import Foundation
import RoostCore

/// A wipe for programs: `roost.wipe/1`. Sizes are in bytes.
package enum WipeJSON {
    package static let schema = "roost.wipe/1"

    /// A plan, as `--dry-run` shows it.
    package static func render(_ plan: WipePlan, projectFolder: String) throws -> Data {
        try encode(
            Document(
                dryRun: true,
                projectFolder: projectFolder,
                removed: plan.removals.map(Entry.init),
                kept: plan.kept.map(Kept.init),
                bytes: plan.size.bytes
            )
        )
    }

    /// What was done.
    package static func render(_ outcome: WipeOutcome, projectFolder: String) throws -> Data {
        try encode(
            Document(
                dryRun: false,
                projectFolder: projectFolder,
                removed: outcome.removed.map(Entry.init),
                kept: outcome.kept.map(Kept.init),
                bytes: outcome.size.bytes
            )
        )
    }

    private static func encode(_ document: Document) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(document) + Data("\n".utf8)
    }

    private struct Document: Encodable {
        let schema = WipeJSON.schema
        let dryRun: Bool
        let projectFolder: String
        let removed: [Entry]
        let kept: [Kept]
        let bytes: Int64
    }

    private struct Entry: Encodable {
        let path: String
        let kind: String
        let entries: Int
        let bytes: Int64

        init(_ candidate: WipeCandidate) {
            path = candidate.path.exactText
            kind = candidate.kind.rawValue
            entries = candidate.entries
            bytes = candidate.size.bytes
        }
    }

    private struct Kept: Encodable {
        let path: String
        let reason: String
        let detail: String

        init(_ remark: WipeRemark) {
            path = remark.path.exactText
            reason = remark.reason.name
            detail = remark.reason.description
        }
    }
}

extension WorkspacePath {
    /// For programs; what is no UTF-8 is replaced by U+FFFD.
    fileprivate var exactText: String { bytes.isEmpty ? "." : String(decoding: bytes, as: UTF8.self) }
}

extension KeepReason {
    fileprivate var name: String {
        switch self {
        case .mount: "mount"
        case .protected: "protected"
        case .changed: "changed"
        case .denied: "denied"
        case .unreadable: "unreadable"
        case .interrupted: "interrupted"
        case .failed: "failed"
        }
    }
}
