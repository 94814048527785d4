import ImagePull
import OCIDistribution
import Synchronization

/// Registries in memory: what each endpoint says of each reference, answer after answer; the last one stays.
final class MemoryHeads: ManifestHeads {
    typealias Answer = Result<Digest, RegistryError.Failure>

    private let answers: Mutex<[String: [Answer]]>
    private let asked = Mutex<[String]>([])

    /// - Parameter answers: By `https://host reference` or, for any endpoint, by `reference`.
    init(_ answers: [String: [Answer]] = [:]) {
        self.answers = Mutex(answers)
    }

    convenience init(_ answers: [String: Answer]) { self.init(answers.mapValues { [$0] }) }

    /// The questions, in order, as `https://host reference`.
    var questions: [String] { asked.withLock { $0 } }

    func digest(
        of reference: ImageReference,
        at endpoint: RegistryEndpoint,
        deadline: Duration
    ) async throws(RegistryError) -> Digest {
        let question = "\(endpoint.baseURL) \(reference.familiar)"
        asked.withLock { $0.append(question) }
        let answer = answers.withLock { answers -> Answer? in
            for key in [question, reference.familiar] {
                guard let list = answers[key], let first = list.first else { continue }
                if list.count > 1 { answers[key] = Array(list.dropFirst()) }
                return first
            }
            return nil
        }
        switch answer {
        case .success(let digest): return digest
        case .failure(let failure): throw RegistryError(failure, endpoint: endpoint, reference: reference)
        case nil: throw RegistryError(.unreachable(cause: NoRoute()), endpoint: endpoint, reference: reference)
        }
    }

    struct NoRoute: Error, CustomStringConvertible {
        let description = "no route to host"
    }
}
