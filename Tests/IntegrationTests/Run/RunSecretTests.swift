import DockerEngine
import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Secrets of a run",
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunSecretTests {
    /// Two lines, and all that encoders change.
    private static let value = "c4n/ry+\"w<ö>\\ 'x&=?\nsecond line%of~it!"

    /// Prints the secret and the forms of it that lie in the project folder, in every way that could tear them.
    private static let prints = """
        print() {
          echo begin; cat /run/secrets/TOKEN; echo; cat forms; echo
          for before in '' a ab; do (printf "$before"; cat /run/secrets/TOKEN) | base64; done
          base64 /run/secrets/TOKEN | tr -d '\\n'; echo
          for skip in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            head -c $((16384 - skip)) /dev/zero | tr '\\0' x; cat /run/secrets/TOKEN; echo
          done
          dd if=/run/secrets/TOKEN bs=1 2>/dev/null; echo
          while IFS= read -r line; do printf '%s' "$line"; echo; done < /run/secrets/TOKEN
          head -c 3 /run/secrets/TOKEN; sleep 0.3; tail -c +4 /run/secrets/TOKEN; echo
          echo 'not ending'; cat /run/secrets/TOKEN
        }
        print; print >&2
        """

    private func pipeline(_ image: String, _ command: String, _ extra: String = "secrets = ['TOKEN']") -> String {
        "stages_order = ['s']\n" + step("s/x", image, command, extra)
    }

    @Test(
        "a secret that a step prints, in any form and however torn, is in nothing that a run shows or keeps",
        arguments: ["text", "json"]
    )
    func canaries(_ format: String) async throws {
        let image = try await Published.busybox("canary")
        let canaries = try SecretCanaries(Self.value)
        try await RoostSandbox.with { sandbox in
            try sandbox.write(canaries.forms.map { "<\($0.text)>" }.joined(separator: "\n"), to: "forms")
            try sandbox.write(pipeline(image, Self.prints + "\nexit 3"), to: "roost.toml")
            let outcome = try await sandbox.roost(
                ["run", "--format", format, "--report", "report.json", "--junit", "junit.xml"],
                environment: ["TOKEN": Self.value]
            )
            #expect(outcome.exitCode == 1, "\(outcome.standardError.suffix(2000))")
            let shown = format == "json" ? outcome.standardOutput : outcome.standardError
            #expect(shown.contains("begin") && shown.contains("not ending"))
            #expect(shown.components(separatedBy: "***").count > 2 * (canaries.forms.count + 25))
            #expect(canaries.found(in: outcome.standardOutput) == [])
            #expect(canaries.found(in: outcome.standardError) == [])
            for file in ["report.json", "junit.xml"] {
                let bytes = try Data(contentsOf: URL(filePath: sandbox.project + "/" + file))
                #expect(String(decoding: bytes, as: UTF8.self).contains("***"))
                #expect(canaries.found(in: bytes) == [])
            }
            #expect(try canaries.found(below: sandbox.project + "/.roost") == [])
            #expect(try canaries.found(below: try #require(sandbox.environment["ROOST_HOME"])) == [])
            for verb in [["runs", "show", "--latest"], ["runs", "logs", "--latest"], ["runs"]] {
                let earlier = try await sandbox.roost(verb)
                #expect(canaries.found(in: earlier.standardOutput + earlier.standardError) == [])
            }
        }
    }

    @Test(
        "the file is in memory, any user of the container can read it and nobody can write it, and the engine is told none of it"
    )
    func file() async throws {
        let image = try await Published.busybox("user")
        let canaries = try SecretCanaries(Self.value)
        try await RoostSandbox.with { sandbox in
            let command = """
                stat -f -c 'on %T' /run/secrets; stat -c '%a %n' /run/secrets/* /run/secrets; id -u
                cmp /run/secrets/TOKEN /run/secrets/AGAIN && echo same
                touch /run/secrets/TOKEN || echo kept
                env | grep -c TOKEN
                while [ ! -e go ]; do sleep 0.05; done
                """
            // The step's user looks for a file there.
            #expect(chmod(sandbox.project, 0o755) == 0)
            let secret = try sandbox.directory.write(Self.value, to: "again")
            let (outcome, events) = try await sandbox.run(
                pipeline(image, command, "user = '1234'\nsecrets = ['TOKEN', 'AGAIN']"),
                ["--secret-file", "AGAIN=\(secret)"],
                environment: ["TOKEN": Self.value]
            ) { process in
                try await process.line(on: .output) { $0.contains("\"text\":\"0\"") }
                let container = try #require(try await sandbox.leftovers().first)
                try await sandbox.withEngine { engine in
                    let inspection = try #require(try await engine.inspectContainer(container.id))
                    #expect(canaries.found(in: "\(container) \(inspection)") == [])
                }
                let arguments = try String(contentsOfFile: "/proc/\(process.processID)/cmdline", encoding: .utf8)
                #expect(canaries.found(in: arguments) == [])
                try sandbox.write("", to: "go")
            }
            #expect(outcome.exitCode == 0)
            let lines = events.filter { $0.type == "step.log" }.compactMap { $0.text("text") }
            #expect(
                Set(lines).isSuperset(of: [
                    "on tmpfs", "444 /run/secrets/TOKEN", "444 /run/secrets/AGAIN", "755 /run/secrets", "1234", "same",
                    "kept",
                ]),
                "\(lines)"
            )
        }
    }

    @Test("a secret is a variable where the file says so, with a warning, and masked all the same")
    func variable() async throws {
        let image = try await Published.busybox("variable")
        try await RoostSandbox.with { sandbox in
            let (outcome, events) = try await sandbox.run(
                pipeline(
                    image,
                    "ls /run/secrets; echo \"is $NPM_TOKEN\"; [ \"$NPM_TOKEN\" = canary-4711 ] && echo right",
                    "secrets = [{ name = 'TOKEN', env = 'NPM_TOKEN' }]"
                ),
                environment: ["TOKEN": "canary-4711"]
            )
            #expect(outcome.exitCode == 0)
            let lines = events.filter { $0.type == "step.log" }.compactMap { $0.text("text") }
            #expect(lines.contains("is ***") && lines.contains("right"))
            #expect(outcome.standardError.contains("warning: stages.s.steps.x.secrets[0].env"))
            #expect(!(outcome.standardOutput + outcome.standardError).contains("canary-4711"))
        }
    }

    @Test("what the engine repeats of a secret is masked in reasons, reports and JUnit")
    func engineErrors() async throws {
        let image = try await Published.busybox("repeat")
        try await RoostSandbox.with { sandbox in
            try sandbox.write(
                "[pipeline]\n[[pipeline.steps]]\nname = 'x'\nimage = '\(image)'\nuser = 'canary-4711'\n"
                    + "command = ['x']\nsecrets = ['TOKEN']\n",
                to: "roost.toml"
            )
            let outcome = try await sandbox.roost(
                ["run", "--report", "report.json", "--junit", "junit.xml"],
                environment: ["TOKEN": "canary-4711"]
            )
            #expect(outcome.exitCode == 125)
            #expect(
                outcome.standardError.contains("could not be started") && outcome.standardError.contains("user ***")
            )
            var all = outcome.standardError
            for file in ["report.json", "junit.xml"] {
                all += try String(contentsOfFile: sandbox.project + "/" + file, encoding: .utf8)
            }
            #expect(!all.contains("canary-4711"))
        }
    }

    @Test(
        "the file is gone after a success, a failure, an interruption and between attempts, each of which has its own"
    )
    func removed() async throws {
        let image = try await Published.busybox("gone")
        try await MemoryFolder.with { memory in
            try await RoostSandbox.with { sandbox in
                let environment = ["TOKEN": "canary-4711", "XDG_RUNTIME_DIR": memory]
                for (command, extra, code) in [
                    (
                        // Root could write there, were it not mounted read-only.
                        "cat /run/secrets/TOKEN; if touch /run/secrets/TOKEN 2>/dev/null; then echo written; fi", "", 0
                    ),
                    ("cat /run/secrets/TOKEN; exit 1", "max_retries = 2\nbackoff = 0", 1),
                ] {
                    let (outcome, events) = try await sandbox.run(
                        pipeline(image, command, "secrets = ['TOKEN']\n" + extra),
                        environment: environment
                    )
                    #expect(outcome.exitCode == code)
                    let lines = events.filter { $0.type == "step.log" }.compactMap { $0.text("text") }
                    #expect(lines == [String](repeating: "***", count: code == 0 ? 1 : 3))
                    #expect(try FileManager.default.contentsOfDirectory(atPath: memory) == [])
                }
                let (outcome, _) = try await sandbox.run(
                    pipeline(image, "echo up; sleep 600"),
                    environment: environment
                ) {
                    process in
                    try await process.line(on: .output) { $0.contains("\"up\"") }
                    #expect(try FileManager.default.contentsOfDirectory(atPath: memory).count == 1)
                    try process.send(.interrupt)
                }
                #expect(outcome.exitCode == 130)
                #expect(try FileManager.default.contentsOfDirectory(atPath: memory) == [])
                // The files are made before the engine says that there is nothing to run.
                let bare = try await Published.image(
                    TestImage(layers: [.busybox()], configuration: .init(command: nil)),
                    "bare"
                )
                let (failed, _) = try await sandbox.run(
                    "stages_order = ['s']\n[stages.s.steps.x]\nimage = '\(bare)'\nsecrets = ['TOKEN']\n",
                    environment: environment
                )
                #expect(failed.exitCode == 125)
                #expect(failed.standardOutput.contains("could not be created"))
                #expect(try FileManager.default.contentsOfDirectory(atPath: memory) == [])
            }
        }
    }

    @Test("a run that is killed leaves its secrets to the next command, with an engine or without")
    func killed() async throws {
        let image = try await Published.busybox("killed")
        try await MemoryFolder.with { memory in
            try await RoostSandbox.with { sandbox in
                let environment = ["TOKEN": "canary-4711", "XDG_RUNTIME_DIR": memory]
                func kill() async throws {
                    let (outcome, _) = try await sandbox.run(
                        pipeline(image, "echo up; sleep 600"),
                        environment: environment
                    ) { process in
                        try await process.line(on: .output) { $0.contains("\"up\"") }
                        try process.send(.kill)
                    }
                    #expect(outcome.signal == 9)
                    #expect(try FileManager.default.contentsOfDirectory(atPath: memory).count == 1)
                }
                try await kill()
                let planned = try await sandbox.roost(["reap", "--dry-run"], environment: environment)
                #expect(planned.standardOutput.contains("would remove  secrets in \(memory)/roost-"))
                #expect(try FileManager.default.contentsOfDirectory(atPath: memory).count == 1)
                let reaped = try await sandbox.roost(["reap", "--format", "json"], environment: environment)
                #expect(reaped.exitCode == 0)
                #expect(reaped.standardOutput.contains("\"path\" : \"\(memory)/roost-"))
                #expect(try FileManager.default.contentsOfDirectory(atPath: memory) == [])
                #expect(try await sandbox.leftovers().isEmpty)

                try await kill()
                let nowhere = environment.merging(["DOCKER_HOST": "unix:///nowhere/docker.sock"]) { $1 }
                #expect(try await sandbox.roost(["pull", image], environment: nowhere).exitCode == 125)
                #expect(try FileManager.default.contentsOfDirectory(atPath: memory) == [])
                #expect(try await sandbox.roost(["reap"], environment: environment).exitCode == 0)
            }
        }
    }

    @Test("secrets that are missing or wrong end a run before anything is pulled or made, all of them at once")
    func missing() async throws {
        try await RoostSandbox.with { sandbox in
            try sandbox.write(
                pipeline("127.0.0.1:1/nowhere:1", "true", "secrets = ['GONE', 'SHORT', 'GOOD', 'AWAY']"),
                to: "roost.toml"
            )
            let outcome = try await sandbox.roost(
                ["run", "--secret-file", "AWAY=nowhere"],
                environment: ["SHORT": "abc", "GOOD": "canary-4711", "DOCKER_HOST": "unix:///nowhere/docker.sock"]
            )
            #expect(outcome.exitCode == 2)
            #expect(
                outcome.standardError == """
                    roost: the pipeline's secrets are not complete; nothing was run
                      GONE: is not given; set the variable GONE, or name a file: --secret-file GONE=PATH
                      SHORT: has fewer than 4 characters: it could not be masked in a step's output
                      AWAY: nowhere can't be read: No such file or directory

                    """
            )
            #expect(!FileManager.default.fileExists(atPath: sandbox.project + "/.roost"))
            // Plans need no secrets, and show none.
            let plan = try await sandbox.roost(
                ["run", "--dry-run", "--format", "json"],
                environment: ["GOOD": "canary-4711"]
            )
            #expect(plan.exitCode == 0)
            #expect(plan.standardOutput.contains("GONE") && !plan.standardOutput.contains("canary-4711"))
            let conflict = try await sandbox.roost(["run", "--env", "GOOD"], environment: ["GOOD": "canary-4711"])
            #expect(conflict.exitCode == 2)
            #expect(conflict.standardError.hasPrefix("roost: GOOD is a secret of this pipeline"))
        }
    }

    @Test("files of secrets on an engine elsewhere are refused before anything is pulled or made")
    func elsewhere() async throws {
        try await FakeEngine.with { fake in
            try fake.add(FakeEngine.Image("img"), as: "img:1")
            let socket = fake.endpoint.description.dropFirst("unix://".count).replacing("/", with: "%2F")
            try await FaultProxy.with(upstream: "http+unix://\(socket)") { proxy in
                // Leads to this machine, but by an address that may be any.
                try await RoostSandbox.with(engine: "tcp://0.0.0.0:\(proxy.port)") { sandbox in
                    try sandbox.write(pipeline("img:1", "true"), to: "roost.toml")
                    let outcome = try await sandbox.roost(["run"], environment: ["TOKEN": "canary-4711"])
                    #expect(outcome.exitCode == 2)
                    #expect(
                        outcome.standardError == """
                            roost: the engine at tcp://0.0.0.0:\(proxy.port) is on another machine, where the files of secrets \
                            can't be made for s/x; give these steps their secrets as variables: secrets = [{ name = …, env = \
                            true }]

                            """
                    )
                    #expect(fake.containerNames.isEmpty)
                    #expect(!FileManager.default.fileExists(atPath: sandbox.project + "/.roost"))
                }
            }
        }
    }
}
