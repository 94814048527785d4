import DockerEngine
import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "A parked step is like one that was not",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(10))
)
struct RunParkedParityTests {
    struct Case: Sendable {
        let name: String
        let command: String
        var keys = ""
        /// What both must be.
        var status = "failed"
        var code: Int?
        /// What the reason must name.
        var reason: String?
    }

    static let cases: [Case] =
        [
            // It is parked for longer than its timeout, and takes half of it when it runs.
            Case(name: "patient", command: "sleep 3; echo done", keys: "timeout = \"6s\"", status: "succeeded")
        ]
        + [0, 3, 125, 126, 127, 137, 143].map {
            Case(name: "exit-\($0)", command: "exit \($0)", status: $0 == 0 ? "succeeded" : "failed", code: $0)
        } + [
            Case(name: "streams", command: "echo out; echo more; echo err >&2; echo worse >&2", status: "succeeded"),
            Case(
                name: "environment",
                command: "env | grep -v ^HOSTNAME= | sort",
                keys: #"env = ["A=b c", "EMPTY=", "Q='\"$x`\\\\", "LINES=one\ntwo", "SHLVL=7"]"#,
                status: "succeeded"
            ),
            Case(name: "stdin", command: "cat; readlink /proc/self/fd/0; exit 4", code: 4),
            Case(
                name: "descriptors",
                command: "for d in /proc/self/fd/*; do echo ${d##*/}; done; trap; echo \"$0\" $# $-",
                status: "succeeded"
            ),
            Case(name: "user", command: "umask; id; pwd", keys: "user = \"12:34\"", status: "succeeded"),
            Case(name: "limits", command: "umask; id; ulimit -a", status: "succeeded"),
            Case(
                name: "workdir",
                command: "pwd; echo \"$PWD\" \"$OLDPWD\"; cd /; cd -",
                keys: "workdir = \"/made/for it\"",
                status: "succeeded"
            ),
            Case(
                name: "masks",
                command: "grep -E '^(Sig(Blk|Ign|Cgt)|NoNewPrivs|Seccomp|Cap...):' /proc/self/status",
                status: "succeeded"
            ),
            Case(
                name: "signal",
                command: "trap 'echo got; exit 9' TERM; kill -TERM 1; while :; do sleep 0.1; done",
                code: 9
            ),
            Case(name: "killed", command: "kill -9 $$", code: 137),
            Case(name: "missing", command: "does-not-exist", code: 127),
            Case(name: "folder", command: "/etc", code: 126),
            Case(name: "syntax", command: "if; then", code: 2),
            Case(
                name: "memory",
                command: "x=x; while :; do x=$x$x; done",
                keys: "memory = \"16mb\"",
                status: "oom_killed",
                code: 137,
                reason: "16 MiB"
            ),
            Case(
                name: "timeout",
                command: "echo ready; while :; do sleep 0.1; done",
                keys: "timeout = \"2s\"\nstop_grace = \"5s\"",
                status: "timed_out",
                reason: "timeout of 2"
            ),
            Case(
                name: "grace",
                command: "trap 'echo stopping; exit 7' TERM; echo ready; while :; do sleep 0.1; done",
                keys: "timeout = \"2s\"\nstop_grace = \"60s\"",
                status: "timed_out",
                code: 7
            ),
            Case(name: "unended", command: "echo one; printf 'no end of line'", status: "succeeded"),
            Case(
                name: "long",
                command:
                    "head -c 40000 /dev/zero | tr '\\0' x; echo; head -c 16384 /dev/zero | tr '\\0' y; echo; echo z",
                status: "succeeded"
            ),
            Case(name: "binary", command: "printf 'a\\377\\000\\001b\\n\\303'", status: "succeeded"),
            Case(name: "many", command: "seq 1 20000", status: "succeeded"),
        ]

    /// What became of one step, without its times and ids.
    struct Outcome: Equatable {
        var types: [String] = []
        var lines: [String: [String]] = [:]
        var status: String?
        var code: Int?
        var reason: String?
        var warning: String?
        var attempts: Int?
        var limit: Int?
        /// The two streams are in no order between them.
        var raw: [Data] = []
    }

    @Test("each command: the same events, the same report and the same raw log as without parking")
    func same() async throws {
        let image = try await Published.busybox("parity")
        let parked = try await outcomes(image, parks: true)
        let plain = try await outcomes(image, parks: false)
        for item in Self.cases {
            let (one, other) = (try #require(parked[item.name]), try #require(plain[item.name]))
            #expect(one == other, "\(item.name)")
            #expect(one.status == item.status, "\(item.name): \(one.reason ?? "")")
            if let code = item.code { #expect(one.code == code, "\(item.name)") }
            if let reason = item.reason { #expect(one.reason?.contains(reason) == true, "\(item.name)") }
        }
    }

    private func outcomes(_ image: String, parks: Bool) async throws -> [String: Outcome] {
        try await RoostSandbox.with { sandbox in
            // They always run, so that none is skipped for the failure of another; the first is what they are parked behind.
            // Networks of their own, since one whose slot is taken when its turn comes is made anew.
            let pipeline =
                "stages_order = ['s']\n[pipeline]\nmax_parallel = 6\nmemory = '64mb'\npark = \(parks)\nnetwork = 'private'\n"
                + step("s/first", image, blocked() + (parks ? "; sleep 7" : ""))
                + Self.cases.map {
                    step("s/\($0.name)", image, $0.command, "needs = ['first']\nalways = true\n" + $0.keys)
                }.joined()
            return try await ContainerNews.with(sandbox) { news in
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    try await process.line(on: .output) { $0.contains("\"up\"") }
                    if parks {
                        // Those that are parked at once; the others are while these run.
                        for item in Self.cases.prefix(12) { try await news.started("s/\(item.name)") }
                    } else {
                        #expect(news.createdSteps == ["s/first"])
                    }
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 1)
                #expect(news.items.count { $0.action == "create" && $0.kind == "step" } == Self.cases.count + 1)
                #expect(try await sandbox.leftovers().isEmpty)
                return try read(events, sandbox)
            }
        }
    }

    private func read(_ events: [EventLine], _ sandbox: RoostSandbox) throws -> [String: Outcome] {
        var outcomes: [String: Outcome] = [:]
        for event in events {
            guard event.text("stage") == "s", let name = event.text("step") else { continue }
            var outcome = outcomes[name, default: Outcome()]
            if event.type == "step.log" {
                let text = "\(event.text("text") ?? "")|\(event.text("bytes") ?? "")|\(event.continues)"
                outcome.lines[event.text("stream") ?? "", default: []].append(text)
            } else {
                outcome.types.append(event.type)
            }
            if event.type == "step.finished" {
                outcome.status = event.text("status")
                outcome.code = event.number("exit_code")
                outcome.reason = event.text("reason")
                outcome.warning = event.text("warning")
                outcome.attempts = event.number("attempts")
                outcome.limit = event.number("memory_limit_bytes")
                if let path = event.text("log_path") {
                    let data = try Data(contentsOf: URL(filePath: sandbox.project + "/" + path))
                    outcome.raw = data.split(separator: 10, omittingEmptySubsequences: false).map { Data($0) }
                        .sorted { $0.lexicographicallyPrecedes($1) }
                }
            }
            outcomes[name] = outcome
        }
        return outcomes
    }
}
