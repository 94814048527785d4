import RoostCore

/// `secrets`, of a step and of `[pipeline]`.
extension PipelineReading {
    /// Reads the list; what is wrong is reported.
    ///
    /// - Parameter reader: A step's table, or `[pipeline]`.
    /// - Returns: `nil` where there is none.
    func secrets(of reader: TOMLTableReader) -> [StepSecret]? {
        guard let node = reader.node("secrets") else { return nil }
        guard case .array(let elements) = node.value else {
            reader.reportWrongKind(node, expected: "a list of names such as [\"NPM_TOKEN\"]")
            return nil
        }
        if elements.count > SecretRules.mostOfStep {
            collector.error(
                "a step can have at most \(SecretRules.mostOfStep) secrets",
                at: node.position,
                key: node.path
            )
        }
        var names: Set<String> = []
        var variables: Set<String> = []
        return elements.compactMap { element -> StepSecret? in
            guard let secret = secret(element, reader) else { return nil }
            guard names.insert(secret.name).inserted else {
                collector.error("the secret \(secret.name) stands twice", at: element.position, key: element.path)
                return nil
            }
            if let variable = secret.variable, !variables.insert(variable).inserted {
                collector.error("two secrets are the variable \(variable)", at: element.position, key: element.path)
                return nil
            }
            return secret
        }
    }

    /// `"NAME"`, or `{ name = "NAME", env = true }`, or `{ name = "NAME", env = "VARIABLE" }`.
    private func secret(_ element: TOMLNode, _ reader: TOMLTableReader) -> StepSecret? {
        switch element.value {
        case .string(let text):
            return name(Located(text, position: element.position, path: element.path), reader).map { StepSecret($0) }
        case .table:
            guard let table = reader.table(element) else { return nil }
            let text = table.string("name")
            if text == nil, !table.has("name") { table.reportMissing("name", "the secret's name") }
            let variable = table.node("env")
            table.finish()
            guard let text, let name = name(text, reader) else { return nil }
            guard let variable else { return StepSecret(name) }
            return self.variable(variable, of: name, table).map { StepSecret(name, as: $0) }
        default:
            reader.reportWrongKind(
                element,
                expected:
                    "a secret's name such as \"NPM_TOKEN\", or a table such as { name = \"NPM_TOKEN\", env = true }"
            )
            return nil
        }
    }

    private func name(_ text: Located<String>, _ reader: TOMLTableReader) -> String? {
        reader.checked(text, by: SecretRules.problem(inName:))
    }

    private func variable(_ node: TOMLNode, of name: String, _ table: TOMLTableReader) -> StepSecret.Delivery? {
        let variable: String
        switch node.value {
        case .boolean(false): return .file
        case .boolean(true): variable = name
        case .string(let text):
            if let problem = PipelineRules.problem(inVariable: text) {
                collector.error(problem, at: node.position, key: node.path)
                return nil
            }
            variable = text
        default:
            table.reportWrongKind(node, expected: "true, false or a variable's name")
            return nil
        }
        let warning = Diagnostic(
            .warning,
            file: file.shownName,
            position: node.position,
            keyPath: node.path.description,
            message:
                "the secret \(name) is a variable here: everyone sees it who may inspect the container, and so does "
                + "every process in it; without env it is the file \(StepSecret.containerFolder)/\(name)"
        )
        // The instances of a matrix all stand at one place.
        if !collector.diagnostics.contains(warning) {
            collector.warning(warning.message, at: node.position, key: node.path)
        }
        return .variable(variable)
    }

    /// Reports secrets that are in the way of something else of their step.
    func check(_ secrets: [StepSecret], beside env: [EnvironmentVariable], workdir: String, _ reader: TOMLTableReader) {
        let key = reader.path.appending("secrets")
        let names = Set(env.map(\.name))
        for variable in secrets.compactMap(\.variable) where names.contains(variable) {
            collector.error("\(variable) is set by `env` and by `secrets`", at: reader.position, key: key)
        }
        if secrets.contains(where: { $0.delivery == .file }), let problem = SecretRules.problem(inWorkdir: workdir) {
            collector.error(problem, at: reader.position, key: key)
        }
    }

    /// The value of a secret goes where `secrets` says, and to no other step by way of `env`.
    func refuseInheritedSecrets(in stages: [StageDefinition]) {
        let steps = stages.flatMap(\.steps)
        let names = Set(steps.flatMap(\.secrets).map(\.name))
        guard !names.isEmpty else { return }
        for step in steps {
            for variable in step.env where variable.isInherited && names.contains(variable.name) {
                collector.error(
                    "\(variable.name) is a secret of this pipeline; to have it as a variable, the step says secrets = "
                        + "[{ name = \"\(variable.name)\", env = true }], and nothing in `env`",
                    at: step.position,
                    key: TOMLKeyPath([.key("stages"), .key(step.id.stage), .key("steps"), .key(step.declaredName)])
                )
            }
        }
    }
}
