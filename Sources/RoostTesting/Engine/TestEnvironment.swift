import Foundation

/// What `make test` started for the tests. Outside it none of this is there, and tests that need it are skipped:
///
/// ```swift
/// @Test("…", .enabled(if: TestEnvironment.hasEngine, "\(TestEnvironment.whySkipped)"))
/// ```
package enum TestEnvironment {
    /// Something that only `make test` gives was asked for outside it.
    package struct Missing: Error, CustomStringConvertible {
        let variable: String
        package var description: String { "\(variable) is not set; run the tests with `make test`" }
    }

    /// Why integration tests are skipped.
    package static let whySkipped = "needs a private engine and a registry: run `make test`"

    /// The private engine's address, `unix://…`.
    package static let engine = value("ROOST_TEST_ENGINE")
    /// A real registry, `127.0.0.1:port`.
    package static let registry = value("ROOST_TEST_REGISTRY")
    /// The path of the `roost` program under test.
    package static let binary = value("ROOST_TEST_BINARY")
    /// The folder of the repository's scripts.
    package static let scripts = value("ROOST_TEST_SCRIPTS")
    /// The path of a static busybox, where it is not in the system's own places.
    package static let busybox = value("ROOST_TEST_BUSYBOX")

    package static var hasEngine: Bool { engine != nil }
    package static var hasRegistry: Bool { registry != nil }
    package static var hasBinary: Bool { binary != nil }
    package static var hasScripts: Bool { scripts != nil }

    /// The private engine's address.
    package static func requireEngine() throws -> String { try require(engine, "ROOST_TEST_ENGINE") }
    /// The real registry's address.
    package static func requireRegistry() throws -> String { try require(registry, "ROOST_TEST_REGISTRY") }
    /// The path of the program under test.
    package static func requireBinary() throws -> String { try require(binary, "ROOST_TEST_BINARY") }
    /// The folder of the repository's scripts.
    package static func requireScripts() throws -> String { try require(scripts, "ROOST_TEST_SCRIPTS") }

    private static func require(_ value: String?, _ variable: String) throws -> String {
        guard let value else { throw Missing(variable: variable) }
        return value
    }

    private static func value(_ name: String) -> String? {
        guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else { return nil }
        return value
    }
}
