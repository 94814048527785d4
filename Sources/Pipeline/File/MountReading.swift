import RoostCore

/// `mounts` and `network`, of a step, a stage or `[pipeline]`.
extension PipelineReading {
    /// A list or table may be longer than what an engine can be expected to mount.
    private static let mostMounts = 100

    /// Reads `mounts`; entries that are wrong are reported and left out.
    ///
    /// - Parameters:
    ///   - reader: The table that may have the key.
    ///   - workdir: Where the project folder is mounted.
    /// - Returns: The mounts in the order of the file, no two at the same place.
    func mounts(of reader: TOMLTableReader, workdir: String) -> [Located<StepMount>] {
        guard let node = reader.node("mounts") else { return [] }
        guard case .array(let elements) = node.value else {
            reader.reportWrongKind(node, expected: "a list such as [\"cargo:/root/.cargo\", \"./data:/data:ro\"]")
            return []
        }
        guard elements.count <= Self.mostMounts else {
            collector.error("a step can have at most \(Self.mostMounts) mounts", at: node.position, key: node.path)
            return []
        }
        var targets: Set<String> = []
        return elements.compactMap { element in
            guard let mount = mount(element, reader) else { return nil }
            guard targets.insert(mount.target).inserted else {
                collector.error(
                    "something is mounted at \(PrintableText.quoted(mount.target)) already",
                    at: element.position,
                    key: element.path
                )
                return nil
            }
            let located = Located(mount, position: element.position, path: element.path)
            refuse(located, over: workdir)
            return located
        }
    }

    /// Reports a mount that would take the project folder's place.
    func refuse(_ mount: Located<StepMount>, over workdir: String) {
        guard mount.value.target == MountRules.normal(workdir) else { return }
        collector.error(
            "the project folder is mounted at \(PrintableText.quoted(workdir)); mount this elsewhere, or below it",
            at: mount.position,
            key: mount.path
        )
    }

    private func mount(_ node: TOMLNode, _ reader: TOMLTableReader) -> StepMount? {
        do throws(MountRules.Problem) {
            switch node.value {
            case .string(let text): return try MountRules.mount(text)
            case .table(let table): return try mount(TOMLTableReader(table, collector: collector))
            default:
                reader.reportWrongKind(
                    node,
                    expected:
                        "a mount such as \"cargo:/root/.cargo\" or { volume = \"cargo\", target = \"/root/.cargo\" }"
                )
                return nil
            }
        } catch {
            collector.error(error.message, at: node.position, key: node.path)
            return nil
        }
    }

    /// `{ volume = "cargo", target = "/root/.cargo", read_only = true }`, and so on.
    private func mount(_ table: TOMLTableReader) throws(MountRules.Problem) -> StepMount? {
        let errorsBefore = collector.diagnostics.count
        let volume = table.string("volume")?.value
        let path = table.string("path")?.value
        let isMemory = table.boolean("tmpfs")?.value ?? false
        let size = table.byteCount("size")
        let target = table.string("target", expected: "an absolute path")?.value
        let isReadOnly = table.boolean("read_only")?.value ?? false
        table.finish()
        guard !collector.diagnostics[errorsBefore...].hasErrors else { return nil }
        var sources: [StepMount.Source] = []
        if let volume { sources.append(.volume(try MountRules.volume(volume))) }
        if let path { sources.append(.path(try MountRules.path(path))) }
        if isMemory { sources.append(.memory(size: size?.value)) }
        guard sources.count == 1, let source = sources.first else {
            throw MountRules.Problem("a mount needs one of volume = \"NAME\", path = \"./FOLDER\" and tmpfs = true")
        }
        guard let target else { throw MountRules.Problem("missing: where to mount it, such as target = \"/data\"") }
        if let size {
            guard isMemory else { throw MountRules.Problem("only a tmpfs has a size") }
            guard size.value.bytes > 0 else { throw MountRules.Problem("expected a size above zero") }
        }
        return StepMount(source: source, target: try MountRules.target(target), isReadOnly: isReadOnly)
    }

    // MARK: - Network

    /// Reads `network`.
    func network(of reader: TOMLTableReader) -> Located<StepNetwork>? {
        reader.choice("network", of: StepNetwork.Written.self)?.map(\.network)
    }

    /// What a network demands of the operator.
    func demands(of network: Located<StepNetwork>?) -> [OperatorDemand] {
        guard let network, network.value == .host else { return [] }
        return [
            OperatorDemand(
                .hostNetwork,
                "network = \"host\"",
                position: network.position,
                path: network.path.description
            )
        ]
    }
}
