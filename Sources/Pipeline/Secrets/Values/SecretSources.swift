import Foundation

/// Where the values of a run's secrets come from: files that the caller names, and the caller's variables.
package struct SecretSources: Sendable {
    private var values: [String: Result<SecretValue, SecretProblem>] = [:]
    private let environment: [String: String]

    /// - Parameter environment: The caller's environment.
    package init(environment: [String: String]) {
        self.environment = environment
    }

    /// Takes in what `--secret-file` names; the last of a name wins.
    ///
    /// - Parameter text: `NAME=PATH` for a file that is the secret, `PATH` for one whose lines are `NAME=value`.
    /// - Throws: ``SecretProblem`` where the lines can't be read. What is wrong with the file of one secret is told with the
    ///   other problems, by ``values(of:)``.
    package mutating func add(file text: String) throws(SecretProblem) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, SecretRules.problem(inName: parts[0]) == nil {
            guard !parts[1].isEmpty else {
                let problem =
                    "--secret-file \(parts[0])= lacks the path of a file; write --secret-file \(parts[0])=PATH"
                values[parts[0]] = .failure(SecretProblem(description: problem))
                return
            }
            do throws(SecretProblem) {
                values[parts[0]] = .success(SecretValue(try SecretFile.read(parts[1], limit: SecretValue.largest)))
            } catch {
                values[parts[0]] = .failure(SecretProblem(description: "\(parts[1]) \(error)"))
            }
            return
        }
        guard !text.isEmpty else { throw SecretProblem(description: "--secret-file lacks the path of a file") }
        do {
            let bytes = try SecretFile.read(text, limit: CallerVariables.largestFile)
            for variable in try CallerVariables.parse(file: Data(bytes), environment: environment) {
                values[variable.name] = .success(SecretValue(Array(variable.value.utf8)))
            }
        } catch {
            throw SecretProblem(description: "--secret-file \(text): \(error)")
        }
    }

    /// The values of the secrets of these names.
    ///
    /// - Parameter definition: The pipeline; of its steps those that will run.
    /// - Returns: All of them.
    /// - Throws: ``SecretsUnavailable`` with everything that is wrong.
    package func values(of definition: PipelineDefinition) throws(SecretsUnavailable) -> RunSecrets {
        var found: [String: SecretValue] = [:]
        var problems: [SecretsUnavailable.Entry] = []
        let variables = Set(definition.steps.flatMap(\.secrets).filter { $0.variable != nil }.map(\.name))
        for name in definition.secretNames {
            do throws(SecretProblem) {
                let value = try value(of: name)
                if let problem = value.problem { throw SecretProblem(description: problem) }
                if variables.contains(name), value.text == nil {
                    throw SecretProblem(
                        description: "is not text in UTF-8, so it can be no variable; give it as a file"
                    )
                }
                found[name] = value
            } catch {
                problems.append(.init(name: name, problem: error.description))
            }
        }
        let size = found.values.reduce(0) { $0 + $1.bytes.count }
        if problems.isEmpty, size > SecretValue.largestTogether {
            let limit = SecretValue.largestTogether >> 10
            problems.append(.init(name: "all of them together", problem: "have more than \(limit) KiB"))
        }
        guard problems.isEmpty else { throw SecretsUnavailable(entries: problems) }
        return RunSecrets(found)
    }

    private func value(of name: String) throws(SecretProblem) -> SecretValue {
        if let given = values[name] { return try given.get() }
        if let text = environment[name] { return SecretValue(Array(text.utf8)) }
        throw SecretProblem(
            description: "is not given; set the variable \(name), or name a file: --secret-file \(name)=PATH"
        )
    }
}

/// What is wrong with one source or one secret; never holds a value.
package struct SecretProblem: Error, Hashable, CustomStringConvertible {
    package let description: String
}

/// Secrets that a run needs and can't have.
package struct SecretsUnavailable: Error, CustomStringConvertible {
    struct Entry: Hashable, Sendable {
        let name: String
        let problem: String
    }

    let entries: [Entry]

    package var description: String {
        let lines = entries.map { "\n  \($0.name): \($0.problem)" }
        return "the pipeline's secrets are not complete; nothing was run" + lines.joined()
    }
}

/// A file that holds a secret, read with care.
enum SecretFile {
    /// - Parameters:
    ///   - path: A regular file, or a pipe such as a shell's `<(…)`.
    ///   - limit: The most bytes that it may have.
    /// - Returns: Its bytes, all of them.
    /// - Throws: ``SecretProblem``, to be put behind the file's name.
    static func read(_ path: String, limit: Int) throws(SecretProblem) -> [UInt8] {
        // A device or a pipe without a writer must not hold the run up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw problem(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw problem(errno) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFIFO: _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        case S_IFDIR: throw SecretProblem(description: "is a folder")
        default: throw SecretProblem(description: "is neither a regular file nor a pipe")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw problem(errno)
            }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw SecretProblem(description: "has more than \(limit >> 10) KiB, the most that it may have")
            }
        }
    }

    private static func problem(_ code: Int32) -> SecretProblem {
        SecretProblem(description: "can't be read: \(String(cString: strerror(code)))")
    }
}
