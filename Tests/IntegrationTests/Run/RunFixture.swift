import DockerEngine
import Foundation
import RoostTesting
import Testing

/// The conditions of the tests in this folder.
enum Integration {
    static var isPossible: Bool {
        TestEnvironment.hasEngine && TestEnvironment.hasRegistry && TestEnvironment.hasBinary
            && TestEnvironment.hasScripts
    }

    /// Whether this machine's kernel tells how a process ended that is not a child.
    static var kernelTellsExits: Bool {
        let release = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
        let numbers = release.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 15)
    }
}

/// Images in the test registry.
enum Published {
    /// An image with a shell and the usual small programs, under a name and with content of this call's own.
    static func busybox(_ name: String = "busybox") async throws -> String {
        let mark = try TestLayer(files: [.file("/mark", UniqueName.make(name))])
        return try await image(try TestImage(layers: [.busybox(), mark]), name)
    }

    /// Puts an image into the registry.
    ///
    /// - Returns: Its reference.
    static func image(_ image: TestImage, _ name: String, at registry: String? = nil) async throws -> String {
        let repository = UniqueName.make(name).lowercased()
        try await image.push(to: try TestEnvironment.requireRegistry(), repository: repository, tag: "1")
        return "\(try registry ?? TestEnvironment.requireRegistry())/\(repository):1"
    }
}

/// One event of `roost.events/1`, with its plain fields.
struct EventLine: Sendable {
    let type: String
    private var texts: [String: String] = [:]
    private var numbers: [String: Int] = [:]

    func text(_ name: String) -> String? { texts[name] }
    func number(_ name: String) -> Int? { numbers[name] }
    /// True for a piece of a line that goes on in the next event.
    let continues: Bool

    var time: Date? {
        text("time").flatMap {
            try? Date($0, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
        }
    }

    var step: String? {
        guard let stage = text("stage"), let step = text("step") else { return nil }
        return "\(stage)/\(step)"
    }

    private init(_ fields: [String: Any]) throws {
        type = try #require(fields["type"] as? String)
        continues = fields["continues"] as? Bool ?? false
        for (name, value) in fields {
            if let text = value as? String {
                texts[name] = text
            } else if let number = value as? Int {
                numbers[name] = number
            }
        }
    }

    static func parse(_ output: String) throws -> [EventLine] {
        try output.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try EventLine(try #require(object as? [String: Any]))
        }
    }
}

extension RoostSandbox {
    /// Runs a pipeline with `--format json` and reads its events.
    func run(
        _ pipeline: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        body: @escaping @Sendable (RoostProcess) async throws -> Void = { _ in }
    ) async throws -> (outcome: RoostProcess.Outcome, events: [EventLine]) {
        try write(pipeline, to: "roost.toml")
        let outcome = try await roost(
            ["run", "--format", "json"] + arguments,
            environment: environment,
            body: body
        )
        return (outcome, try EventLine.parse(outcome.standardOutput))
    }

    /// Connects to the engine that the sandbox's programs use.
    func withEngine<Value: Sendable>(_ body: (EngineClient) async throws -> Value) async throws -> Value {
        let host = try #require(environment["DOCKER_HOST"])
        return try await EngineClient.with(try EngineEndpoint(parsing: host), body: body)
    }

    /// The containers of this sandbox's installation, which is none once a run is over.
    func leftovers() async throws -> [ContainerSummary] {
        let file = try #require(environment["ROOST_HOME"]) + "/state/installation"
        let id = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        return try await withEngine { try await $0.containers(labels: ["dev.roost.installation": id]) }
    }
}

/// Lines of a pipeline for one step that runs a shell command.
func step(_ id: String, _ image: String, _ command: String, _ extra: String = "") -> String {
    let parts = id.split(separator: "/")
    return """
        [stages.\(parts[0]).steps.\(parts[1])]
        image = "\(image)"
        command = '''
        \(command)
        '''
        \(extra)

        """
}
