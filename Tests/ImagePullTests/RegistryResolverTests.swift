import DockerEngine
import OCIDistribution
import Testing

@testable import ImagePull

@Suite("Asking registries")
struct RegistryResolverTests {
    private let mirrored = #"{"Mirrors": ["http://mirror.test/"]}"#

    private func answer(
        _ reference: String,
        _ heads: MemoryHeads,
        _ json: String = "{}"
    ) async throws -> RegistryAnswer {
        let resolver = RegistryResolver(
            heads: heads,
            configuration: try registryConfiguration(json),
            deadline: .seconds(10)
        )
        return try await resolver.answer(for: try ref(reference))
    }

    private func isUnknown(_ answer: RegistryAnswer) -> Bool {
        if case .unknown = answer { true } else { false }
    }

    @Test("the mirror's digest is taken, and the registry is left alone")
    func mirror() async throws {
        let heads = MemoryHeads(["http://mirror.test alpine:latest": .success(digest(1))])
        #expect(try await answer("alpine", heads, mirrored) == .found(digest(1), source: "mirror.test"))
        #expect(heads.questions == ["http://mirror.test alpine:latest"])
    }

    @Test("a mirror's 404 moves on to the registry, whose answer counts")
    func mirrorLacks() async throws {
        let heads = MemoryHeads([
            "http://mirror.test alpine:latest": .failure(.notFound),
            "https://registry-1.docker.io alpine:latest": .success(digest(1)),
        ])
        #expect(try await answer("alpine", heads, mirrored) == .found(digest(1), source: "registry-1.docker.io"))
    }

    @Test("a mirror's 404 and a registry's are a definite failure that says what to do")
    func definite() async throws {
        let heads = MemoryHeads(["alpine:latest": .failure(.notFound)])
        guard case .refused(let failure) = try await answer("alpine", heads, mirrored) else {
            Issue.record("not refused")
            return
        }
        #expect(failure.kind == .notFound)
        #expect(failure.isDefinite)
        #expect(failure.message.contains("check its name"))
    }

    @Test("a login that the registry asks for and that can't be read is a definite failure that names the helper")
    func unreadableLogin() async throws {
        let cause = CredentialError.helperTimedOut(
            helper: "docker-credential-x",
            registry: "r.test",
            after: .seconds(8)
        )
        let heads = MemoryHeads(["r.test/a:1": .failure(.credentials(cause: cause))])
        guard case .refused(let failure) = try await answer("r.test/a:1", heads) else {
            Issue.record("not refused")
            return
        }
        #expect(failure.kind == .unauthorized)
        #expect(failure.isDefinite)
        #expect(failure.message.contains("docker-credential-x"))
        #expect(failure.message.contains("r.test"))
    }

    @Test("nothing is definite where the registry itself can't be reached")
    func unreachableRegistry() async throws {
        let heads = MemoryHeads(["http://mirror.test alpine:latest": .failure(.notFound)])
        #expect(isUnknown(try await answer("alpine", heads, mirrored)))
    }

    @Test("nothing is definite where a mirror did not answer that the engine may reach")
    func unreachableMirror() async throws {
        let heads = MemoryHeads(["https://registry-1.docker.io alpine:latest": .failure(.notFound)])
        #expect(isUnknown(try await answer("alpine", heads, mirrored)))
        let limited = MemoryHeads([
            "http://mirror.test alpine:latest": .failure(.rateLimited(retryAfter: nil)),
            "https://registry-1.docker.io alpine:latest": .failure(.notFound),
        ])
        #expect(isUnknown(try await answer("alpine", limited, mirrored)))
    }

    @Test("nothing is definite where the engine has a mirror that is not understood")
    func incomplete() async throws {
        let heads = MemoryHeads(["alpine:latest": .failure(.notFound)])
        #expect(isUnknown(try await answer("alpine", heads, #"{"Mirrors": ["https://m.test/path/"]}"#)))
    }

    @Test(
        "refusals are told apart",
        arguments: [
            (RegistryError.Failure.notFound, PullFailure.Kind.notFound), (.forbidden, .forbidden),
            (.unauthorized(.absent), .unauthorized), (.unauthorized(.refused), .unauthorized), (.invalidName, .badName),
        ]
    )
    func kinds(refusal: RegistryError.Failure, kind: PullFailure.Kind) async throws {
        guard
            case .refused(let failure) = try await answer("r.test/a:1", MemoryHeads(["r.test/a:1": .failure(refusal)]))
        else {
            Issue.record("not refused")
            return
        }
        #expect(failure.kind == kind)
    }

    @Test("a rate limit is not definite and keeps its Retry-After")
    func rateLimit() async throws {
        let heads = MemoryHeads(["r.test/a:1": .failure(.rateLimited(retryAfter: .seconds(7)))])
        guard case .unknown(_, .rateLimited, .seconds(7)) = try await answer("r.test/a:1", heads) else {
            Issue.record("not a rate limit")
            return
        }
    }

    @Test("a registry that fails, or keeps credentials from being sent, is not definite")
    func transient() async throws {
        for failure in [
            RegistryError.Failure.server(status: 503, retryAfter: nil), .unauthorized(.withheld(from: "auth.test")),
            .unexpected(status: 418), .timedOut(after: .seconds(1)),
        ] {
            #expect(isUnknown(try await answer("r.test/a:1", MemoryHeads(["r.test/a:1": .failure(failure)]))))
        }
    }

    @Test("the other scheme is tried where the first finds nobody who speaks it, and only there")
    func schemes() async throws {
        let tls = MemoryHeads(["https://127.0.0.1:5000 127.0.0.1:5000/a:1": .success(digest(1))])
        #expect(try await answer("127.0.0.1:5000/a:1", tls) == .found(digest(1), source: "127.0.0.1:5000"))
        #expect(tls.questions.count == 2)

        let plain = MemoryHeads(["http://127.0.0.1:5000 127.0.0.1:5000/a:1": .failure(.notFound)])
        guard case .refused = try await answer("127.0.0.1:5000/a:1", plain) else {
            Issue.record("not refused")
            return
        }
        #expect(plain.questions.count == 1)
    }

    @Test("where neither scheme works, the likelier one's failure is told")
    func neither() async throws {
        guard case .unknown(let reason, .unavailable, nil) = try await answer("127.0.0.1:5000/a:1", MemoryHeads())
        else {
            Issue.record("not unknown")
            return
        }
        #expect(reason.contains("http://127.0.0.1:5000"))
    }
}
