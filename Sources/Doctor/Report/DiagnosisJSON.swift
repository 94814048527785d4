import DockerEngine
import Foundation

/// Writes a diagnosis as `roost.doctor/1`, described in `docs/doctor.md`.
package enum DiagnosisJSON {
    /// The name and version of the format; fields are only ever added within a version.
    package static let schema = "roost.doctor/1"

    /// The diagnosis as indented JSON, its keys sorted, ended by a line break.
    ///
    /// - Throws: `EncodingError`, which no diagnosis that can be built leads to.
    package static func render(_ diagnosis: Diagnosis) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return [UInt8](try encoder.encode(Wire(diagnosis))) + [UInt8(ascii: "\n")]
    }

    private struct Wire: Encodable {
        let schema = DiagnosisJSON.schema
        let verdict: String
        let exitCode: Int32
        let engine: Engine?
        let checks: [WireCheck]

        init(_ diagnosis: Diagnosis) {
            verdict = diagnosis.verdict.rawValue
            exitCode = diagnosis.exitCode
            engine = diagnosis.place.map { Engine($0, diagnosis.identity) }
            checks = diagnosis.checks.map(WireCheck.init)
        }
    }

    private struct Engine: Encodable {
        let address: String
        let source: String
        let name: String?
        let version: String?
        let apiVersion: String?

        init(_ place: EnginePlace, _ identity: EngineIdentity?) {
            address = place.endpoint.description
            source = place.source
            name = identity?.name
            version = identity?.version
            apiVersion = identity?.apiVersion.description
        }
    }

    private struct WireCheck: Encodable {
        let id: String
        let title: String
        let verdict: String
        let detail: String
        let remedy: WireRemedy?

        init(_ check: Check) {
            id = check.id.rawValue
            title = check.title
            verdict = check.verdict.rawValue
            detail = check.detail
            remedy = check.remedy.map { WireRemedy(advice: $0.advice, steps: $0.steps.map(WireStep.init)) }
        }
    }

    private struct WireRemedy: Encodable {
        let advice: String
        let steps: [WireStep]
    }

    private struct WireStep: Encodable {
        let kind: String
        let text: String
        let file: String?

        init(_ step: Remedy.Step) {
            switch step {
            case .command(let command): (kind, text, file) = ("command", command, nil)
            case .line(let line, let path): (kind, text, file) = ("line", line, path)
            }
        }
    }
}
