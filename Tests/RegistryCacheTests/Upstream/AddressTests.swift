import Dispatch
import NIOHTTP1
import NIOPosix
import OCIDistribution
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("Addresses that an upstream may lead to")
struct AddressTests {
    static let kinds: [(String, AddressKind)] = [
        ("1.1.1.1", .public), ("93.184.216.34", .public), ("172.15.255.255", .public), ("172.32.0.0", .public),
        ("100.63.255.255", .public), ("100.128.0.0", .public), ("169.253.0.1", .public), ("223.255.255.255", .public),
        ("192.167.0.1", .public), ("11.0.0.0", .public), ("198.17.0.1", .public), ("198.20.0.0", .public),
        ("0.0.0.0", .unspecified), ("0.1.2.3", .unspecified), ("10.0.0.1", .private), ("172.16.0.1", .private),
        ("172.31.255.255", .private), ("192.168.1.1", .private), ("100.64.0.1", .shared), ("100.127.255.255", .shared),
        ("127.0.0.1", .loopback), ("127.255.255.255", .loopback), ("169.254.0.1", .linkLocal),
        ("169.254.169.254", .metadata), ("169.254.170.2", .metadata), ("100.100.100.200", .metadata),
        ("168.63.129.16", .metadata), ("192.0.0.192", .metadata), ("192.0.0.8", .reserved), ("192.0.2.1", .reserved),
        ("198.18.0.1", .reserved), ("198.51.100.7", .reserved), ("203.0.113.7", .reserved), ("192.88.99.1", .reserved),
        ("224.0.0.1", .multicast), ("239.255.255.255", .multicast), ("240.0.0.1", .reserved),
        ("255.255.255.255", .reserved),
        ("2606:4700:4700::1111", .public), ("2a00:1450::1", .public), ("::", .unspecified), ("::1", .loopback),
        ("fe80::1", .linkLocal), ("febf::1", .linkLocal), ("fec0::1", .private), ("fc00::1", .private),
        ("fdff::1", .private), ("fd00:ec2::254", .metadata), ("ff02::1", .multicast), ("2001:db8::1", .reserved),
        ("2001::1", .reserved), ("100::1", .reserved), ("4000::1", .reserved),
        ("::ffff:127.0.0.1", .loopback), ("::ffff:10.1.2.3", .private), ("::ffff:169.254.169.254", .metadata),
        ("::ffff:1.1.1.1", .public), ("::10.0.0.1", .private), ("64:ff9b::a00:1", .private),
        ("64:ff9b::7f00:1", .loopback), ("2002:7f00:1::", .loopback), ("2002:a9fe:a9fe::1", .metadata),
        ("2002:101:101::", .public),
    ]

    @Test("each kind of address is told, also within IPv6", arguments: kinds)
    func kind(row: (String, AddressKind)) throws {
        let address = try #require(InternetAddress(parsing: row.0))
        #expect(AddressKind(address) == row.1)
    }

    @Test("what the operator has named may be private, never where clouds keep secrets")
    func judgement() throws {
        for (text, kind) in Self.kinds {
            let address = try #require(InternetAddress(parsing: text))
            #expect((AddressPolicy.judge(address, isPermitted: false) == nil) == (kind == .public), "\(text)")
            let isNever = [.metadata, .multicast, .unspecified].contains(kind)
            #expect((AddressPolicy.judge(address, isPermitted: true) == nil) == !isNever, "\(text)")
        }
        let refusal = try #require(
            InternetAddress(parsing: "10.0.0.1").flatMap { AddressPolicy.judge($0, isPermitted: false) }
        )
        #expect(refusal.description == "it leads to 10.0.0.1, which is a private address")
    }

    @Test(
        "what is no address is none, or what the system's own reading would make of it",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "0x7f.0.0.1", "127.1", "01.2.3.4", "::1::", "[::1]", "a", "1.2.3.4 ",
        ]
    )
    func noAddress(text: String) {
        #expect(InternetAddress(parsing: text) == nil)
    }

    @Test("an address is printed as it is read, whatever its bytes")
    func roundTrip() async throws {
        try await Fuzzing.run(rounds: 5000) { generator in
            let bytes = generator.bytes(Bool.random(using: &generator) ? 4 : 16)
            let address = InternetAddress(bytes: bytes)
            let read = InternetAddress(parsing: address?.description ?? "")
            try Finding.require(read == address && read != nil, "\(bytes) is read as \(String(describing: read))")
            if let address { _ = AddressKind(address) }
            _ = InternetAddress(parsing: String(decoding: generator.bytes(20), as: UTF8.self))
        }
    }

    @Test("the system's resolver knows this machine and no host of an impossible name")
    func systemResolver() async throws {
        let resolver = SystemResolver()
        let local = try await resolver.addresses(of: "localhost")
        #expect(!local.isEmpty && local.allSatisfy { AddressKind($0) == .loopback })
        // Forms that only the resolver reads as an address are judged by what it makes of them.
        let decimal = (try? await resolver.addresses(of: "2130706433")) ?? []
        #expect(decimal.allSatisfy { AddressKind($0) == .loopback })
    }

    @Test("whoever stops waiting for the resolver goes on while it is still busy")
    func cancelledLookup() async throws {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        let busy = DispatchSemaphore(value: 0)
        threads.submit { _ in busy.wait() }
        let outcome = await withTaskGroup(of: Result<[InternetAddress], any Error>.self) { group in
            group.addTask {
                do {
                    return .success(try await SystemResolver(threads: threads).addresses(of: "localhost"))
                } catch {
                    return .failure(error)
                }
            }
            group.cancelAll()
            return await group.next()
        }
        #expect(throws: CancellationError.self) { try outcome?.get() }
        busy.signal()
        try await threads.shutdownGracefully()
    }
}

@Suite("Dialling what an upstream names")
struct JudgedDiallerTests {
    /// What a client sees of a host with these addresses, and what the server sees of the client.
    private func ask(
        host: String = "registry.example",
        _ addresses: [String],
        permitted: Set<String> = []
    ) async throws -> (error: UpstreamError?, requests: Int, connections: Int) {
        let asked = Shared(0)
        var outcome: (UpstreamError?, Int, Int) = (nil, 0, 0)
        try await HTTPTestServer.with { _, responder in
            asked.update { $0 += 1 }
            try await responder.respond(.notFound)
        } body: { server in
            try await UpstreamHarness.with(
                url: "http://\(host):\(server.port)",
                permittedHosts: permitted,
                resolver: FixedResolver([host: addresses])
            ) { upstream in
                let error = await upstreamError { try await upstream.head() }
                outcome = (error, asked.value, server.acceptedConnections)
            }
        }
        return outcome
    }

    @Test(
        "a name that stands for an address within is not dialled",
        arguments: ["127.0.0.1", "10.0.0.5", "169.254.169.254", "100.64.1.1", "fd00::1", "::ffff:192.168.0.1"]
    )
    func privateName(address: String) async throws {
        for addresses in [[address], ["93.184.216.34", address]] {
            let (error, requests, connections) = try await ask(addresses)
            guard case .invalid(let text) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.contains("\"registry.example\" is not asked: it leads to"), "\(text)")
            #expect(requests == 0 && connections == 0)
        }
    }

    @Test("a name that stands for something else a moment later gets no request")
    func rebinding() async throws {
        // The system's resolver knows better than the one that was asked first.
        let (error, requests, _) = try await ask(host: "localhost", ["93.184.216.34"])
        guard case .invalid(let text) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains("which is this machine"), "\(text)")
        #expect(requests == 0)
    }

    @Test("a host that the operator has named may be within")
    func permitted() async throws {
        let (error, requests, _) = try await ask(host: "localhost", ["127.0.0.1"], permitted: ["localhost"])
        guard case .notFound = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(requests > 0)
    }

    @Test("a host that does not exist is an upstream that can't be reached")
    func noHost() async throws {
        let (error, _, _) = try await ask([])
        guard case .unavailable(let text) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.contains("there is no host registry.example"), "\(text)")
    }

    @Test("a host is looked up again when its judgement has aged")
    func aging() async throws {
        let time = ManualTime()
        let clients = JudgedDialler.Clients()
        let resolver = FixedResolver(["registry.example": ["93.184.216.34"]])
        let dialler = JudgedDialler(clients: clients, permittedHosts: [], resolver: resolver, time: time.time)
        for _ in 0..<3 { _ = try await dialler.client(for: "registry.example", port: 443) }
        #expect(resolver.asked.value.count == 1)
        time.advance(by: .seconds(30))
        _ = try await dialler.client(for: "registry.example", port: 443)
        #expect(resolver.asked.value.count == 2)
        await clients.shutDown()
    }
}
