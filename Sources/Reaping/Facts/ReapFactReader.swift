import DockerEngine
import RoostCore

/// Reads what a reap decides by: three lists by label, and more only of what has a dead owner.
struct ReapFactReader {
    let engine: EngineClient
    let installation: Installation
    let journal: (any Journal)?
    let processes: any ProcessFacts

    /// - Returns: The facts, and what could not be read of the journal.
    /// - Throws: `EngineError` or `CancellationError`.
    func read() async throws -> (facts: ReapFacts, journalError: (any Error)?) {
        let labels = [LabelKey.installation: installation.id]
        async let containers = engine.containers(labels: labels)
        async let networks = engine.networks(labels: labels)
        async let volumes = engine.volumes(labels: labels)
        var facts = ReapFacts(installation: installation, isLocal: engine.endpoint.isLocal)
        facts.objects = try await containers.map {
            ReapObject(
                kind: .container,
                id: $0.id,
                name: $0.names?.first.map { String($0.drop { $0 == "/" }) } ?? $0.id,
                labels: $0.labels ?? [:]
            )
        }
        facts.objects += try await networks.map {
            ReapObject(kind: .network, id: $0.id, name: $0.name, labels: $0.labels ?? [:])
        }
        facts.objects += try await volumes.map {
            ReapObject(kind: .volume, id: $0.name, name: $0.name, labels: $0.labels ?? [:])
        }
        let images = Dictionary(try await containers.map { ($0.id, $0.imageID) }) { first, _ in first }
        try await readImages(of: &facts, images)
        let journalError = try await readJournal(&facts)
        let owners = facts.objects.compactMap(\.owner) + facts.unfinishedRuns.map(\.owner) + facts.missing.map(\.owner)
        facts.owners = Dictionary(owners.map { ($0, $0.state(by: processes)) }) { first, _ in first }
        return (facts, journalError)
    }

    /// A commit hands a container's labels on to the image, and the image to other containers: theirs are compared. That
    /// matters for those alone whose owner is dead.
    private func readImages(of facts: inout ReapFacts, _ images: [String: String]) async throws {
        var known: [String: [String: String]?] = [:]
        for index in facts.objects.indices where facts.objects[index].kind == .container {
            guard let owner = facts.objects[index].owner, !owner.isAlive(by: processes),
                let image = images[facts.objects[index].id]
            else { continue }
            if known[image] == nil {
                known[image] = .some(try await engine.inspectImage(image).map { $0.config?.labels ?? [:] })
            }
            facts.objects[index].imageLabels = known[image] ?? nil
        }
    }

    private func readJournal(_ facts: inout ReapFacts) async throws -> (any Error)? {
        guard let journal else { return nil }
        let entries: [JournaledContainer]
        do {
            facts.unfinishedRuns = try await journal.unfinishedRuns()
            entries = try await journal.containers()
        } catch {
            return error
        }
        for entry in entries where !entry.owner.isAlive(by: processes) {
            if let found = try await engine.inspectContainer(entry.containerID ?? entry.name) {
                facts.objects.removeAll { $0.id == found.id }
                facts.objects.append(
                    ReapObject(
                        kind: .container,
                        id: found.id,
                        name: String(found.name.drop { $0 == "/" }),
                        labels: found.config.labels ?? [:],
                        journaled: entry
                    )
                )
            } else {
                facts.missing.append(entry)
            }
        }
        return nil
    }
}
