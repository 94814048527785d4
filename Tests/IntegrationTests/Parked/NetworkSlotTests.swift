import DockerEngine
import Foundation
import ParkedContainers
import RoostCore
import RoostTesting
import Testing

@Suite("A network slot", .enabled(if: Integration.isPossible, "\(TestEnvironment.whySkipped)"))
struct NetworkSlotTests {
    @Test("what a container leaves listening in a slot is gone for the next, which has the same address")
    func leftovers() async throws {
        try await EngineUnderTest.with(.real) { engine in
            let slot = try await NetworkSlot.create(
                image: engine.image,
                name: nil,
                labels: engine.label,
                on: engine.client
            )
            async let end = slot.holder.run(
                on: engine.client,
                watch: nil,
                start: { try await engine.client.startContainer(slot.holder.id) }
            ) { _ in }
            #expect(await slot.holder.waitUntilParked())
            func run(_ text: String, _ mounts: [ContainerSpecification.Mount] = []) async throws -> CommandOutcome {
                var specification = engine.shellForm(text)
                specification.host.networkMode = slot.networkMode
                specification.host.usesInit = true
                specification.host.mounts = mounts
                return try await engine.runParked(specification)
            }
            let sockets = "grep -c ':1F90 ' /proc/net/tcp /proc/net/tcp6; grep -c '@roost-left' /proc/net/unix"
            let address = "ip -o addr show | grep -v ' lo ' | sed 's/.*inet \\([^ ]*\\).*/\\1/'"
            let listen = "nc -l -p 8080 >/dev/null & until grep -q ':1F90 ' /proc/net/tcp /proc/net/tcp6; do :; done"
            let addressBefore = try await run(address).output
            #expect(!addressBefore.isEmpty)
            // An abstract socket needs a program that makes one: the machine's own perl, where there is one.
            if FileManager.default.isExecutableFile(atPath: "/usr/bin/perl") {
                let script =
                    "use Socket; socket(S,AF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un(\"\\0roost-left\")); "
                    + "listen(S,1); print \"bound\\n\"; $SIG{TERM}=\"IGNORE\"; sleep 1000"
                let abstract =
                    "chroot /host /usr/bin/perl -e '\(script)' >/dev/null 2>&1 & "
                    + "until grep -q '@roost-left' /proc/net/unix; do :; done; grep -c '@roost-left' /proc/net/unix"
                let host = ContainerSpecification.Mount(kind: .bind, source: "/", target: "/host", readOnly: true)
                #expect(try await run(abstract, [host]).output == ["1"])
            }
            #expect(try await run("\(listen); ip addr add 10.99.99.99/32 dev lo 2>/dev/null; exit 0").code == 0)
            let after = try await run(sockets).output
            #expect(after == ["/proc/net/tcp:0", "/proc/net/tcp6:0", "0"])
            #expect(try await run("ip -o addr show | grep -c 10.99.99.99").output == ["0"])
            #expect(try await run("\(listen); exit 0").code == 0, "the port can be taken again")
            #expect(try await run(address).output == addressBefore)
            await slot.holder.detach()
            _ = await end
            #expect(try await engine.wait(slot.holder.id) == ContainerGate.codeWithoutCommand, "it ends with its owner")
        }
    }
}
