import RoostCore

/// One `security` table, each key with what it demands of the operator.
struct SecurityLayer {
    struct Entry<Value> {
        let value: Value
        let position: SourcePosition?
        let path: TOMLKeyPath
        var demands: [OperatorDemand] = []
    }

    var capAdd: Entry<CapabilityList>?
    var capDrop: Entry<CapabilityList>?
    var noNewPrivileges: Entry<Bool>?
    var privileged: Entry<Bool>?
    var readOnly: Entry<Bool>?
    var pidsLimit: Entry<Int>?
    var devices: Entry<[StepSecurity.Device]>?
    var seccomp: Entry<StepSecurity.Seccomp>?
    var sharedMemory: Entry<ByteCount>?

    /// This table's keys, and the other's where this one says nothing.
    func over(_ other: SecurityLayer) -> SecurityLayer {
        SecurityLayer(
            capAdd: capAdd ?? other.capAdd,
            capDrop: capDrop ?? other.capDrop,
            noNewPrivileges: noNewPrivileges ?? other.noNewPrivileges,
            privileged: privileged ?? other.privileged,
            readOnly: readOnly ?? other.readOnly,
            pidsLimit: pidsLimit ?? other.pidsLimit,
            devices: devices ?? other.devices,
            seccomp: seccomp ?? other.seccomp,
            sharedMemory: sharedMemory ?? other.sharedMemory
        )
    }

    var security: StepSecurity {
        var security = StepSecurity()
        security.isPrivileged = privileged?.value ?? false
        // A privileged container is a host of its own to the programs in it, and they rely on `sudo` and the like.
        security.forbidsNewPrivileges = noNewPrivileges?.value ?? !security.isPrivileged
        if !security.isPrivileged {
            security.addedCapabilities = capAdd?.value ?? .none
            security.droppedCapabilities = capDrop?.value ?? .none
            security.seccomp = seccomp?.value ?? .standard
        }
        security.isReadOnly = readOnly?.value ?? false
        security.pidsLimit = pidsLimit?.value ?? StepSecurity.standardPidsLimit
        security.devices = devices?.value ?? []
        security.sharedMemory = sharedMemory?.value
        return security
    }

    var demands: [OperatorDemand] {
        let isPrivileged = privileged?.value ?? false
        return (privileged?.demands ?? []) + (devices?.demands ?? [])
            + (isPrivileged ? [] : (capAdd?.demands ?? []) + (seccomp?.demands ?? []))
    }

    /// The keys that say nothing in a privileged container, with their names.
    fileprivate var overruled: [(key: String, position: SourcePosition?, path: TOMLKeyPath)] {
        [
            capAdd.map { ("cap_add", $0.position, $0.path) }, capDrop.map { ("cap_drop", $0.position, $0.path) },
            seccomp.map { ("seccomp", $0.position, $0.path) },
        ].compactMap(\.self)
    }
}

extension PipelineReading {
    /// Reads the table `security` of a step or of `[pipeline]`; what is wrong is reported.
    ///
    /// - Parameters:
    ///   - reader: The step's table, or the pipeline's.
    ///   - defaults: What holds where the table says nothing.
    /// - Returns: The table over the defaults.
    func security(of reader: TOMLTableReader, over defaults: SecurityLayer = SecurityLayer()) -> SecurityLayer {
        guard let table = reader.table("security") else { return defaults }
        var layer = SecurityLayer()
        layer.capAdd = capabilities("cap_add", of: table, areAdded: true)
        layer.capDrop = capabilities("cap_drop", of: table, areAdded: false)
        layer.noNewPrivileges = table.boolean("no_new_privileges").map { entry($0) }
        layer.privileged = table.boolean("privileged").map { flag in
            entry(flag, demands: flag.value ? [demand("privileged = true", flag)] : [])
        }
        layer.readOnly = table.boolean("read_only").map { entry($0) }
        layer.pidsLimit = table.integer("pids_limit", in: 1...StepSecurity.highestPidsLimit).map { entry($0) }
        layer.devices = devices(of: table)
        layer.seccomp = table.choice("seccomp", of: StepSecurity.Seccomp.self).map { choice in
            entry(choice, demands: choice.value == .unconfined ? [demand("seccomp = \"unconfined\"", choice)] : [])
        }
        layer.sharedMemory = table.byteCount("shm_size").flatMap { size in
            if size.value.bytes > 0 { return entry(size) }
            collector.error("expected a size above zero", at: size.position, key: size.path)
            return nil
        }
        table.finish()
        let merged = layer.over(defaults)
        if merged.privileged?.value == true {
            for (key, position, path) in layer.overruled {
                collector.error(
                    "a privileged step has every capability and no seccomp, so that `\(key)` says nothing",
                    at: position,
                    key: path
                )
            }
        }
        return merged
    }

    private func entry<Value>(_ located: Located<Value>, demands: [OperatorDemand] = []) -> SecurityLayer.Entry<Value> {
        SecurityLayer.Entry(value: located.value, position: located.position, path: located.path, demands: demands)
    }

    private func demand<Value>(_ what: String, _ place: Located<Value>) -> OperatorDemand {
        OperatorDemand(.privileged, what, position: place.position, path: place.path.description)
    }

    private func capabilities(
        _ key: String,
        of table: TOMLTableReader,
        areAdded: Bool
    ) -> SecurityLayer.Entry<CapabilityList>? {
        guard let texts = table.strings(key, expected: "a list of capabilities such as [\"NET_RAW\"], or [\"ALL\"]")
        else { return nil }
        var list = CapabilityList.none
        var demands: [OperatorDemand] = []
        for text in texts.value {
            if text.value.uppercased() == "ALL" {
                list = .all
                if areAdded { demands.append(demand("\(key) = ALL", text)) }
            } else if let capability = Capability(written: text.value) {
                if case .some(let named) = list { list = .some(named.union([capability])) }
                if areAdded, capability.needsOperator {
                    demands.append(demand("\(key) = \(capability.rawValue)", text))
                }
            } else {
                var message = "\(PrintableText.quoted(text.value, limit: 40)) is no capability"
                if let nearest = NearestName.of(text.value.uppercased(), in: Capability.allCases.map(\.rawValue)) {
                    message += "; did you mean \"\(nearest)\"?"
                }
                collector.error(message, at: text.position, key: text.path)
            }
        }
        return entry(texts.map { _ in list }, demands: demands)
    }

    // MARK: - Devices

    /// `"/dev/kvm"`, `"/dev/sdc:/dev/xvdc:r"`, as `docker run --device` takes them.
    private func devices(of table: TOMLTableReader) -> SecurityLayer.Entry<[StepSecurity.Device]>? {
        guard let texts = table.strings("devices", expected: "a list of devices such as [\"/dev/kvm\"]") else {
            return nil
        }
        let devices = texts.value.compactMap { text in
            let device = Self.device(text.value)
            if device == nil {
                collector.error(
                    "expected a device such as \"/dev/kvm\" or \"/dev/sdc:/dev/xvdc:r\", found "
                        + PrintableText.quoted(text.value, limit: 60),
                    at: text.position,
                    key: text.path
                )
            }
            return device
        }
        return entry(
            texts.map { _ in devices },
            demands: texts.value.map { demand("the device \(PrintableText.quoted($0.value, limit: 60))", $0) }
        )
    }

    static func device(_ text: String) -> StepSecurity.Device? {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var permissions = "rwm"
        if parts.count > 1, let last = parts.last, !last.hasPrefix("/") {
            guard !last.isEmpty, Set(last).count == last.count, last.allSatisfy("rwm".contains) else { return nil }
            permissions = last
            parts.removeLast()
        }
        guard (1...2).contains(parts.count), parts.allSatisfy(isDevicePath), let host = parts.first,
            let inside = parts.last
        else { return nil }
        return StepSecurity.Device(hostPath: host, containerPath: inside, permissions: permissions)
    }

    private static func isDevicePath(_ path: String) -> Bool {
        path.hasPrefix("/dev/") && path.utf8.count <= 1024 && !path.hasSuffix("/")
            && path.unicodeScalars.allSatisfy { PrintableText.isPrintable($0) }
            && !path.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }
}
