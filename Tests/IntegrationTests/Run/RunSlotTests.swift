import DockerEngine
import Foundation
import RoostTesting
import Subprocess
import Testing

@Suite(
    "Networks that steps share one after another",
    .serialized,
    .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"),
    .timeLimit(.minutes(5))
)
struct RunSlotTests {
    private let network = "readlink /proc/self/ns/net"

    private func lines(_ events: [EventLine], of step: String) -> [String] {
        events.filter { $0.type == "step.log" && $0.step == step }.compactMap { $0.text("text") }
    }

    /// Steps that bring a run as far as to have its slots: the first ones hold it until their holders run.
    private func opening(_ image: String, together: Int) -> String {
        "[pipeline]\nmax_parallel = \(together)\n"
            + (1...together).map { step("open/first\($0)", image, blocked()) }.joined()
            + (1...2 * together).map { step("open/next\($0)", image, network) }.joined()
    }

    @Test(
        "two that run at once see nothing of each other; what comes after them in the same network finds nothing of theirs",
        arguments: [true, false]
    )
    func apart(parks: Bool) async throws {
        let image = try await Published.image(
            try TestImage(layers: [
                .busybox(),
                try TestLayer(files: [
                    .file("/mark", UniqueName.make("slots")), .symbolicLink("/bin/syslogd", to: "/bin/busybox"),
                ]),
            ]),
            "slots"
        )
        // A port, and a socket of the kind that shows in every container of its network.
        let listen = "nc -l -p 8080 >/dev/null & syslogd -n -O /dev/null &"
        let listening = "grep -q ':1F90 ' /proc/net/tcp /proc/net/tcp6 && grep -q /dev/log /proc/net/unix"
        let seen = "cat /proc/net/tcp /proc/net/tcp6 | grep -c ':1F90 '; grep -c /dev/log /proc/net/unix"
        // What needs a capability that steps have not.
        let change = "ip addr add 10.99.99.99/32 dev lo 2>/dev/null; ip route add 10.98.0.0/16 dev lo 2>/dev/null"
        let changed = "ip -o addr | grep -c '10[.]99'; ip route | grep -c '10[.]98'"
        let pipeline =
            "stages_order = ['open', 's']\n"
            + opening(image, together: 2).replacing(
                "[pipeline]\n",
                with: "[pipeline]\npark = \(parks)\n"
            )
            + step(
                "s/server",
                image,
                "\(network); \(listen)\nuntil \(listening); do :; done; \(change); touch listening\n"
                    + "until [ -e looked ]; do sleep 0.05; done; exit 0"
            )
            + step(
                "s/beside",
                image,
                "\(network); until [ -e listening ]; do sleep 0.05; done; \(seen); \(changed); touch looked"
            )
            + (1...2).map {
                step(
                    "s/after\($0)",
                    image,
                    "\(network); \(seen); \(changed); touch after\($0)\n"
                        + "until [ -e after1 -a -e after2 ]; do sleep 0.05; done\n\(listen)\nuntil \(listening); do :; done",
                    "needs = ['server', 'beside']"
                )
            }.joined()
        try await RoostSandbox.with { sandbox in
            try await ContainerNews.with(sandbox) { news in
                let (outcome, events) = try await sandbox.run(pipeline) { _ in
                    try await news.wait(times: 2) { $0.kind == "slot" && $0.action == "start" }
                    let names = try await sandbox.leftovers().flatMap { $0.names ?? [] }
                    for slot in 1...2 {
                        #expect(names.contains { $0.hasPrefix("/roost-") && $0.hasSuffix("-slot-\(slot)") }, "\(names)")
                    }
                    try sandbox.write("", to: "go")
                }
                #expect(outcome.exitCode == 0)
                let server = try #require(lines(events, of: "s/server").first)
                let beside = lines(events, of: "s/beside")
                #expect(beside == [beside[0], "0", "0", "0", "0"] && beside[0] != server)
                let after = ["s/after1", "s/after2"].map { lines(events, of: $0) }
                for lines in after { #expect(lines.dropFirst() == ["0", "0", "0", "0"]) }
                #expect(Set(after.compactMap(\.first)) == [server, beside[0]], "in the networks of those before")
                // No more than can run at once, and gone with the run.
                let holders = news.items.filter { $0.kind == "slot" }
                #expect(holders.count { $0.action == "create" } == 2)
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("a run of few steps makes no slots", arguments: [(2, false), (3, true)])
    func worthIt(steps: Int, isWorthIt: Bool) async throws {
        let image = try await Published.busybox("worth")
        try await RoostSandbox.with { sandbox in
            let pipeline =
                "stages_order = ['s']\n[pipeline]\nmax_parallel = 1\n"
                + (1...steps).map { step("s/x\($0)", image, "true") }.joined()
            try await ContainerNews.with(sandbox) { news in
                let (outcome, _) = try await sandbox.run(pipeline)
                #expect(outcome.exitCode == 0)
                #expect(news.items.count { $0.kind == "slot" && $0.action == "create" } == (isWorthIt ? 1 : 0))
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }

    @Test("where a slot's holder has gone, a step parked in its network runs once, with a network of its own")
    func holderGone() async throws {
        let image = try await Published.busybox("holder")
        try await RoostSandbox.with { sandbox in
            let look = "\(network); ip -o addr | grep -vc ' lo '"
            let pipeline =
                "stages_order = ['open', 's']\n" + opening(image, together: 1)
                + step("s/a", image, "\(network); " + blocked(on: "on"))
                + step("s/b", image, "echo ran >> ran; \(look)") + step("s/c", image, "echo ran >> ran; \(look)")
            try await ContainerNews.with(sandbox) { news in
                let parked = Shared("")
                let (outcome, events) = try await sandbox.run(pipeline) { process in
                    let holder = try await news.wait { $0.kind == "slot" && $0.action == "start" }
                    try sandbox.write("", to: "go")
                    try await process.line(on: .output) { $0.contains("\"up\"") && $0.contains("\"a\"") }
                    let container = try await news.started("s/b")
                    parked.update { $0 = container }
                    try await news.started("s/c")
                    try await sandbox.withEngine { try await $0.removeContainer(holder.id) }
                    try sandbox.write("", to: "on")
                }
                #expect(outcome.exitCode == 0)
                #expect(sandbox.runs(of: "ran") == 2)
                let slot = try #require(lines(events, of: "s/a").first)
                for step in ["s/b", "s/c"] {
                    let seen = lines(events, of: step)
                    #expect(seen.first != slot && seen.count == 2, "\(step)")
                    #expect(Int(seen.last ?? "") ?? 0 > 0, "\(step) has an address beside its loopback")
                }
                let started = events.first { $0.type == "step.started" && $0.step == "s/b" }
                #expect(started?.text("container_id") != parked.value)
                #expect(try await sandbox.leftovers().isEmpty)
            }
        }
    }
}
