import Testing

@testable import RegistryCache

@Suite("Names in the cache")
struct NamingTests {
    @Test(
        "a repository is an upstream and a path that make a reference, and nothing else",
        arguments: [
            ("docker.io", "library/debian", true), ("quay.io", "org/img", true), ("docker.io", "debian", false),
            ("docker.io", "library/debian:12", false), ("docker.io", "../etc", false), ("docker.io", "", false),
            ("quay.io", "Org/img", false), ("127.0.0.1:5000", "a/b", true),
        ]
    )
    func repository(upstream: String, path: String, isValid: Bool) {
        #expect((CachedRepository(upstream: upstream, path: path) != nil) == isValid)
    }
}
