import ImagePull
import RoostCore

/// `[stages.NAME.services.NAME]`, and `[services.NAME]` in a pipeline without stages.
extension PipelineReading {
    /// Reads the services of a stage, or of a pipeline without stages; what is wrong is reported.
    ///
    /// - Parameters:
    ///   - reader: The table of the services; `nil` where there is none.
    ///   - stage: The stage.
    ///   - defaults: What holds where the table says nothing.
    /// - Returns: Those that could be read, in the order of the file.
    func services(_ reader: TOMLTableReader?, ofStage stage: String?, defaults: Defaults) -> [ServiceDefinition] {
        guard let reader else { return [] }
        let entries = reader.table.entries
        guard entries.count <= PipelineRules.mostServices else {
            collector.error(
                "there can be at most \(PipelineRules.mostServices) services",
                at: reader.position,
                key: reader.path
            )
            return []
        }
        return entries.compactMap { entry in
            if let problem = PipelineRules.problem(inService: entry.key) {
                collector.error(problem, at: entry.node.position, key: entry.node.path)
            }
            guard let table = reader.table(entry.node),
                let filled = fill(table.table, with: .single, withoutMatrix: "a service has no matrix")
            else { return nil }
            return service(
                ServiceID(stage: stage, service: entry.key),
                TOMLTableReader(filled, collector: collector),
                at: entry.node.position,
                defaults: defaults
            )
        }
    }

    private func service(
        _ id: ServiceID,
        _ reader: TOMLTableReader,
        at position: SourcePosition?,
        defaults: Defaults
    ) -> ServiceDefinition? {
        let errorsBefore = collector.diagnostics.count
        let image = image(of: reader)
        let command = command(of: reader)
        let entrypoint = reader.strings("entrypoint")?.value.map(\.value)
        let env = variables(of: reader)
        let memory = memory(of: reader)
        let user = user(of: reader)
        let pull = reader.choice("pull", of: PullPolicy.self)?.value
        let stopGrace = stopGrace(of: reader)
        let readiness = reader.table("ready").map { self.readiness($0) }
        reader.finish()
        guard let image, !collector.diagnostics[errorsBefore...].hasErrors else { return nil }
        var service = ServiceDefinition(id: id, image: image.reference, imageText: image.text.value)
        service.command = command
        service.entrypoint = entrypoint
        service.env = env
        service.memory = memory ?? defaults.memory
        service.user = user
        service.pull = pull ?? defaults.pull
        service.stopGrace = stopGrace ?? defaults.stopGrace
        service.readiness = readiness ?? ServiceReadiness()
        service.position = reader.position ?? position
        return service
    }

    /// `ready = { command = "pg_isready", timeout = "30s" }`
    private func readiness(_ reader: TOMLTableReader) -> ServiceReadiness {
        var readiness = ServiceReadiness()
        let port = reader.integer("port", in: 1...65_535)
        if let command = command(of: reader) { readiness.check = .command(command) }
        if let port {
            if reader.has("command") {
                collector.error(
                    "a service is ready by a command or by a port, not by both",
                    at: port.position,
                    key: port.path
                )
            }
            readiness.check = .port(port.value)
        }
        readiness.timeout = timeout(of: reader) ?? readiness.timeout
        if let interval = reader.duration("interval") {
            if interval.value < PipelineRules.leastInterval {
                collector.error(
                    "an interval must be at least \(DurationText.format(PipelineRules.leastInterval))",
                    at: interval.position,
                    key: interval.path
                )
            }
            readiness.interval = interval.value
        }
        reader.finish()
        if !reader.has("command"), !reader.has("port") {
            collector.error(
                "missing: by what the service is ready, such as port = 5432 or command = \"pg_isready\"",
                at: reader.position,
                key: reader.path
            )
        }
        return readiness
    }
}

extension PipelineRules {
    /// More beside one set of steps are a mistake, or meant to do harm.
    static let mostServices = 100

    /// Looking more often would keep the machine from its work.
    static let leastInterval = Duration.milliseconds(10)

    /// A service's name is a host's name for the steps: what RFC 1123 allows as one label, and `_`, which Docker allows.
    static func problem(inService name: String) -> String? {
        func isWord(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 63, isWord(first), isWord(last),
            bytes.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
        else {
            return
                "a service's name is a host's name: lowercase letters, digits, `-` and `_`, at most 63, neither of the "
                + "latter two at an end; found \(PrintableText.quoted(name, limit: 80))"
        }
        return name == "localhost" ? "\"localhost\" is the step itself: no service can have that name" : nil
    }
}
