import DockerEngine
import Foundation
import RoostTesting
import Testing

@testable import Doctor
@testable import RoostCLI

@Suite("roost doctor", .serialized)
struct DoctorCommandTests {
    private static let plain = OutputStyle(isLive: false, usesColor: false, usesUnicode: false, columns: nil)

    private func examination(_ folder: TemporaryDirectory, call: Duration = .seconds(60)) -> DoctorExamination {
        DoctorExamination(
            environment: [
                "DOCKER_HOST": "unix://\(folder.path("docker.sock"))", "DOCKER_CONFIG": folder.path,
                "ROOST_HOME": folder.path("roost"),
            ],
            workingFolder: folder.url,
            patience: FactReader.Patience(call: call, total: .seconds(60))
        )
    }

    @Test("an engine that is not there, or does not answer: the text says so first, and the exit code is 125")
    func unusable() async throws {
        try await TemporaryDirectory.with { folder in
            let path = folder.path("docker.sock")
            let missing = try await examination(folder).run(format: .text, style: Self.plain)
            #expect(missing.exitCode == 125)
            #expect(String(decoding: missing.output, as: UTF8.self).contains("there is no socket at \(path)"))
            try await HTTPTestServer.with(on: .unixSocket(path)) { _, answer in
                try await answer.hang()
            } body: { _ in
                let hanging = try await examination(folder, call: .milliseconds(200)).run(
                    format: .text,
                    style: Self.plain
                )
                #expect(hanging.exitCode == 125)
                #expect(String(decoding: hanging.output, as: UTF8.self).contains("did not answer within 200 ms"))
            }
            try StaleSocket.make(path)
            let refused = try await examination(folder).run(format: .text, style: Self.plain)
            #expect(refused.exitCode == 125)
            #expect(String(decoding: refused.output, as: UTF8.self).contains("nothing accepts connections"))
        }
    }

    @Test("as JSON the same is one document")
    func json() async throws {
        struct Document: Decodable {
            struct Check: Decodable { let id: String, verdict: String }
            let schema: String, verdict: String, exit_code: Int32, checks: [Check]
        }
        try await TemporaryDirectory.with { folder in
            let result = try await examination(folder).run(format: .json, style: Self.plain)
            let document = try JSONDecoder().decode(Document.self, from: Data(result.output))
            #expect(document.schema == "roost.doctor/1")
            #expect(document.verdict == "fail")
            #expect(document.exit_code == result.exitCode)
            #expect(document.checks.map(\.id) == ["engine", "logins", "state_folder", "log_folder"])
        }
    }

    @Test("the logs' folder is the one beside the pipeline's file, wherever below it the verb is called")
    func project() async throws {
        try await TemporaryDirectory.with { folder in
            try folder.write("", to: "roost.toml")
            try folder.write("", to: "deep/er/file")
            var examination = examination(folder)
            examination = DoctorExamination(
                environment: examination.environment,
                workingFolder: folder.url.appending(path: "deep/er"),
                patience: examination.patience
            )
            let output = String(
                decoding: try await examination.run(format: .text, style: Self.plain).output,
                as: UTF8.self
            )
            #expect(output.contains("  \(folder.path(".roost/runs"))\n"))
        }
    }

    @Test("wrong usage is refused with exit code 2")
    func usage() async {
        #expect(await RoostCommandLine.run(["doctor", "--format", "yaml"]) == 2)
    }

    // MARK: - The text

    private func text(_ facts: HostFacts, _ style: OutputStyle = plain) -> String {
        DiagnosisText(theme: Theme(style), columns: style.columns).lines(Diagnosis(facts)).joined(separator: "\n")
    }

    @Test("without a terminal lines are whole and plain")
    func plainText() {
        let facts = HostFacts.unusable(.socketMissing(path: "/var/run/docker.sock")) {
            $0.machine.hasDefaultSocket = false
        }
        #expect(
            text(facts) == """
                engine at unix:///var/run/docker.sock (default socket)

                x engine        there is no socket at /var/run/docker.sock (default socket): no engine runs there
                                start the engine:
                                  sudo systemctl start docker
                + logins        no credential helper is named
                + state folder  /home/me/.local/state/roost
                + log folder    /home/me/project/.roost/runs

                x not ready: 1 failure, 0 warnings
                """
        )
    }

    @Test("on a terminal text is wrapped to its width, and what is to be copied is not")
    func narrow() {
        let style = OutputStyle(isLive: true, usesColor: false, usesUnicode: true, columns: 60)
        let lines = text(.engine { $0.mirrors = [] }, style).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines.drop { !$0.contains("mirror") }.prefix(10).joined(separator: "\n") == """
                ▲ mirror          none for Docker Hub: its rate limit
                                  applies (a number of pulls in six hours),
                                  and so do its outages
                                  name a mirror that you run or trust; a
                                  registry on this machine may speak plain
                                  HTTP:
                                  in /etc/docker/daemon.json:
                                    "registry-mirrors": ["http://127.0.0.1:5000"]
                                    sudo systemctl restart docker
                ✔ unpigz          /usr/bin/unpigz
                """
        )
        #expect(lines.last == "▲ ready, with 1 warning")
    }

    @Test("colours only where the stream takes them; text from outside sets none")
    func colours() {
        let style = OutputStyle(isLive: true, usesColor: true, usesUnicode: true, columns: 80)
        let facts = HostFacts.engine { $0.mirrors = ["http://\u{1B}[31mevil\u{7}\nmirror"] }
        #expect(text(facts, style).contains("\u{1B}[32m✔ engine"))
        #expect(!text(facts).contains("\u{1B}"))
        #expect(!text(facts, style).contains("\u{1B}[31mevil"))
        #expect(!text(facts, style).contains("\u{7}"))
    }

    @Test("nothing to remark ends in a line that says so")
    func healthy() {
        #expect(text(.healthy).hasSuffix("\n\n+ all is well"))
    }
}
