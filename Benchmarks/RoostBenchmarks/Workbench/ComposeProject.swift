import Foundation
import RoostTesting

/// The same work as a pipeline's, for Docker Compose: a service for each step.
struct ComposeProject {
    struct Service {
        let name: String
        let command: [String]
    }

    private struct File: Encodable {
        /// Older ones know limits only in files of this version; newer ones don't look at it.
        let version = "2.4"
        let services: [String: Entry]
    }

    private struct Entry: Encodable {
        struct Logging: Encodable {
            let driver = "local"
            let options = ["max-size": "10g", "max-file": "2", "compress": "false"]
        }

        let image: String
        let command: [String]
        let limit = "512m"
        let initialProcess = true
        let workdir = "/workspace"
        let volumes: [String]
        let network = "bridge"
        let logging = Logging()

        enum CodingKeys: String, CodingKey {
            case image, command, volumes, logging
            case limit = "mem_limit"
            case initialProcess = "init"
            case workdir = "working_dir"
            case network = "network_mode"
        }
    }

    private let program: Program

    /// Writes the project's file.
    ///
    /// - Parameters:
    ///   - name: The project's name.
    ///   - services: What to run.
    ///   - image: The image of all services.
    ///   - workbench: Where.
    /// - Throws: The failure to write it, or to find Compose.
    init(name: String, services: [Service], image: String, on workbench: Workbench) async throws {
        let project = workbench.sandbox.project
        let entries = services.map { service in
            (service.name, Entry(image: image, command: service.command, volumes: ["\(project):/workspace"]))
        }
        let file = File(services: Dictionary(entries) { first, _ in first })
        // JSON is YAML too.
        let text = String(decoding: try JSONEncoder().encode(file), as: UTF8.self)
        let path = try workbench.sandbox.write(text, to: "\(name).compose.json")
        var program = try await workbench.program("docker-compose")
        program.arguments = ["--ansi", "never", "--file", path, "--project-name", UniqueName.make(name).lowercased()]
        self.program = program
    }

    /// Runs all services to their end and shows what they print. Leaves the containers behind.
    var up: Program { with("up", "--no-color") }

    /// Reads the file and checks it.
    var check: Program { with("config", "--quiet") }

    /// Removes the containers.
    func down() async throws { _ = try await with("down").output() }

    private func with(_ arguments: String...) -> Program {
        var program = program
        program.arguments += arguments
        return program
    }
}
