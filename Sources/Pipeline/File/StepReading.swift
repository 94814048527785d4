import ImagePull
import OCIDistribution
import RoostCore

/// A step as its table says, before the names in `needs` have been looked up.
struct StepRead {
    var definition: StepDefinition
    let needs: [Located<String>]
}

/// One step's table.
extension PipelineReading {
    /// Reads a step; every key but those that the caller reads first. `nil` where something is wrong, which is reported.
    ///
    /// - Parameters:
    ///   - id: The step, or the instance of its matrix.
    ///   - declaredName: The step's name in the file.
    ///   - reader: Its table, with all placeholders filled.
    ///   - defaults: What holds where the table says nothing.
    /// - Returns: The step, or `nil`.
    func step(
        _ id: StepID,
        declaredName: String,
        _ reader: TOMLTableReader,
        defaults: Defaults
    ) -> StepRead? {
        let errorsBefore = collector.diagnostics.count
        let image = image(of: reader)
        let command = command(of: reader)
        let entrypoint = reader.strings("entrypoint")?.value.map(\.value)
        let env = variables(of: reader)
        let secrets = secrets(of: reader) ?? defaults.secrets
        let memory = memory(of: reader)
        let timeout = timeout(of: reader)
        let user = user(of: reader)
        let workdir = workdir(of: reader)
        let pull = reader.choice("pull", of: PullPolicy.self)?.value
        let needs = reader.strings("needs", expected: "a list of steps such as [\"compile\"]")?.value ?? []
        let isAlways = reader.boolean("always")?.value
        let retries = retries(of: reader, defaults.retries)
        let stopGrace = stopGrace(of: reader)
        let isParked = reader.boolean("park")?.value
        check(secrets, beside: env, workdir: workdir ?? defaults.workdir, reader)
        let network = network(of: reader) ?? defaults.network
        let security = security(of: reader, over: defaults.security)
        let mounts = mounts(of: reader, workdir: workdir ?? defaults.workdir)
        if let workdir, workdir != defaults.workdir { defaults.mounts.forEach { refuse($0, over: workdir) } }
        reader.finish()
        guard let image, !collector.diagnostics[errorsBefore...].hasErrors else { return nil }
        var definition = StepDefinition(
            id: id,
            image: image.reference,
            imageText: image.text.value,
            command: command,
            entrypoint: entrypoint,
            env: env,
            memory: memory ?? defaults.memory,
            timeout: timeout ?? defaults.timeout,
            user: user,
            workdir: workdir ?? defaults.workdir,
            pull: pull ?? defaults.pull,
            position: reader.position,
            imagePosition: image.text.position
        )
        definition.declaredName = declaredName
        definition.keyPath = reader.path
        definition.schedule.isAlways = isAlways ?? (declaredName == StepDefaults.alwaysName)
        definition.retries = retries
        definition.secrets = secrets
        definition.stopGrace = stopGrace ?? defaults.stopGrace
        definition.isParked = isParked ?? defaults.isParked
        definition.network = network?.value ?? .slot
        definition.security = security.security
        definition.mounts = mounts.map(\.value).over(defaults.mounts.map(\.value))
        definition.schedule.runsAlone = definition.mounts.leadIntoWorkspace
        definition.demands = demands(of: network) + security.demands
        return StepRead(definition: definition, needs: needs)
    }

    func user(of reader: TOMLTableReader) -> String? {
        reader.checked(
            reader.string("user", expected: "a string such as \"1000:1000\""),
            by: PipelineRules.problem(inUser:)
        )
    }

    func image(of reader: TOMLTableReader) -> (reference: ImageReference, text: Located<String>)? {
        guard let text = reader.string("image") else {
            if !reader.has("image") {
                reader.reportMissing("image", "the image to run in, such as image = \"alpine:3.20\"")
            }
            return nil
        }
        do {
            return (try ImageReference(parsing: text.value), text)
        } catch {
            collector.error(error.description, at: text.position, key: text.path)
            return nil
        }
    }

    func command(of reader: TOMLTableReader) -> StepCommand? {
        guard let node = reader.node("command") else { return nil }
        switch node.value {
        case .string(let text):
            if !text.allSatisfy(\.isWhitespace) { return .shell(text) }
            collector.error(emptyCommand, at: node.position, key: node.path)
        case .array(let elements):
            guard let arguments = reader.strings(in: elements)?.map(\.value) else { return nil }
            if !arguments.isEmpty { return .arguments(arguments) }
            collector.error(emptyCommand, at: node.position, key: node.path)
        default:
            reader.reportWrongKind(node, expected: "a string for the shell, or a list of arguments")
        }
        return nil
    }

    private var emptyCommand: String { "the command is empty; without this key the image's own command runs" }

    // MARK: - Environment

    func variables(of reader: TOMLTableReader) -> [EnvironmentVariable] {
        guard let node = reader.node("env") else { return [] }
        switch node.value {
        case .array(let elements):
            let items = reader.readableStrings(in: elements)
            var names: Set<String> = []
            return items.compactMap { item in
                guard let variable = variable(item) else { return nil }
                guard names.insert(variable.name).inserted else {
                    collector.error("\(variable.name) is set twice", at: item.position, key: item.path)
                    return nil
                }
                return variable
            }
        case .table(let table): return table.entries.compactMap { variable($0, reader: reader) }
        default:
            reader.reportWrongKind(node, expected: "a list such as [\"CC=gcc\"], or a table")
            return []
        }
    }

    /// `NAME=value`, or `NAME` for the caller's value, as `docker run --env` reads it; but a name that is not set is an
    /// error here, where Docker leaves it out.
    private func variable(_ item: Located<String>) -> EnvironmentVariable? {
        let parts = item.value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts.first ?? "")
        if let problem = PipelineRules.problem(inVariable: name) {
            collector.error(problem, at: item.position, key: item.path)
            return nil
        }
        if parts.count == 2 { return EnvironmentVariable(name: name, value: String(parts[1])) }
        guard let value = environment[name] else {
            collector.error(
                "\(name) is not set in the environment; set it, or give it a value: \"\(name)=…\"",
                at: item.position,
                key: item.path
            )
            return nil
        }
        return EnvironmentVariable(name: name, value: value, isInherited: true)
    }

    private func variable(_ entry: TOMLTableNode.Entry, reader: TOMLTableReader) -> EnvironmentVariable? {
        if let problem = PipelineRules.problem(inVariable: entry.key) {
            collector.error(problem, at: entry.node.position, key: entry.node.path)
            return nil
        }
        switch entry.node.value {
        case .string(let text): return EnvironmentVariable(name: entry.key, value: text)
        case .integer(let number): return EnvironmentVariable(name: entry.key, value: String(number))
        case .boolean(let flag): return EnvironmentVariable(name: entry.key, value: String(flag))
        default:
            reader.reportWrongKind(entry.node, expected: "a string, a whole number, true or false")
            return nil
        }
    }
}
