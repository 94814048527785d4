import RoostTesting
import Testing

@testable import DockerEngine

@Suite("Versions of the API")
struct APIVersionTests {
    private func version(_ text: String) throws -> APIVersion { try #require(APIVersion(parsing: text)) }

    @Test("versions are read and ordered by number, not by text")
    func parsing() throws {
        #expect(try version("1.41") == APIVersion(major: 1, minor: 41))
        #expect(try version("v1.41").description == "1.41")
        #expect(try version("1.9") < version("1.41"))
        #expect(try version("1.99") < version("2.0"))
    }

    @Test(
        "what is no version is none",
        arguments: [
            "", "1", "1.", ".41", "1.41.0", "1.x", "-1.41", "1.-41", "+1.41", "1.+41", "vv1.41", "1.41 ", "١.٤١",
        ]
    )
    func malformed(text: String) {
        #expect(APIVersion(parsing: text) == nil)
    }

    /// The engine's newest, the engine's oldest, what is asked for, and the choice.
    typealias Row = (newest: String, oldest: String?, requested: String?, chosen: String?)

    static let rows: [Row] = [
        ("1.41", "1.12", nil, "1.41"),
        ("1.41", nil, nil, "1.41"),
        ("1.44", "1.24", nil, "1.44"),
        // Docker 29: refuses what is below 1.44.
        ("1.52", "1.44", nil, "1.52"),
        ("1.60", "1.44", nil, "1.52"),
        ("1.40", "1.12", nil, nil),
        ("1.70", "1.53", nil, nil),
        ("1.52", "1.44", "1.44", "1.44"),
        ("1.52", "1.44", "1.41", nil),
        ("1.41", "1.12", "1.42", nil),
        ("1.41", "1.12", "1.40", nil),
        ("2.0", "1.44", nil, "1.52"),
    ]

    @Test("the newest that both know is taken, and an engine without one is refused", arguments: rows)
    func negotiation(row: Row) throws {
        let newest = try version(row.newest)
        let oldest = try row.oldest.map(version)
        let requested = try row.requested.map(version)
        guard let chosen = row.chosen else {
            let error = #expect(throws: EngineError.self) {
                try APIVersionNegotiation.choose(engineNewest: newest, engineOldest: oldest, requested: requested)
            }
            #expect(error?.description.contains(row.newest) == true)
            #expect(error?.description.contains(row.requested == nil ? "update" : "DOCKER_API_VERSION") == true)
            return
        }
        let choice = try APIVersionNegotiation.choose(
            engineNewest: newest,
            engineOldest: oldest,
            requested: requested
        )
        #expect(choice == (try version(chosen)))
    }

    @Test("every call but the negotiation itself names the version")
    func onTheWire() async throws {
        var identity = FakeEngine.Identity()
        identity.apiVersion = APIVersion(major: 1, minor: 52)
        identity.minimumAPIVersion = APIVersion(major: 1, minor: 44)
        try await FakeEngine.with(identity) { fake in
            try await EngineClient.with(fake.endpoint) { client in
                _ = try await client.images()
                #expect(client.version == APIVersion(major: 1, minor: 52))
            }
            #expect(fake.calls.map(\.version) == [nil, nil, "1.52"])
        }
    }

    @Test("an engine that is too old gets no further call")
    func tooOld() async throws {
        var identity = FakeEngine.Identity()
        identity.apiVersion = APIVersion(major: 1, minor: 40)
        try await FakeEngine.with(identity) { fake in
            let error = await #expect(throws: EngineError.self) {
                try await EngineClient.with(fake.endpoint) { _ in Issue.record("it was let in") }
            }
            #expect(error?.description.contains("update the engine to Docker 20.10 or newer") == true)
            #expect(fake.calls.map(\.path) == ["/_ping", "/version"])
        }
    }
}
