import OCIDistribution
import Pipeline
import RoostCore
import Testing

@Suite("Lock files")
struct LockFileTests {
    private let one = Digest.sha256(of: [1])
    private let two = Digest.sha256(of: [2])

    private func reference(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }

    @Test("the text is the same whatever the order, and reads back as the same lock file")
    func roundTrip() throws {
        let entries = [
            LockFile.Entry(reference: try reference("gcc:14"), digest: one),
            LockFile.Entry(reference: try reference("127.0.0.1:5000/alpine"), digest: two),
        ]
        let text = LockFile(entries).render()
        #expect(text == LockFile(entries.reversed()).render())
        #expect(
            text == """
                # The images of this pipeline by content. Written by Roost; commit it, and do not edit it.
                schema = "roost.lock/1"

                [[image]]
                reference = "127.0.0.1:5000/alpine:latest"
                digest = "\(two)"

                [[image]]
                reference = "docker.io/library/gcc:14"
                digest = "\(one)"

                """
        )
        let (lock, diagnostics) = LockFile.parse(text, file: "roost.lock")
        #expect(diagnostics.isEmpty)
        #expect(lock == LockFile(entries))
        #expect(LockFile.parse(LockFile([]).render(), file: "roost.lock").lock == LockFile([]))
    }

    @Test("an image is pinned to its entry, or to its own digest where it names one")
    func digests() throws {
        let lock = LockFile([
            LockFile.Entry(reference: try reference("gcc:14"), digest: one),
            LockFile.Entry(reference: try reference("alpine"), digest: two),
        ])
        #expect(lock.digest(for: try reference("docker.io/library/gcc:14")) == one)
        #expect(lock.digest(for: try reference("alpine:latest")) == two)
        #expect(lock.digest(for: try reference("gcc:13")) == nil)
        #expect(lock.digest(for: try reference("other@\(two)")) == two)
        let asked = try ["gcc:13", "gcc:14", "other@\(two)", "gcc:13"].map { try reference($0) }
        #expect(lock.missing(from: asked) == [try reference("gcc:13")])
    }

    @Test("errors are told with their place, all at once")
    func errors() {
        let (lock, diagnostics) = LockFile.parse(
            """
            schema = "roost.lock/1"
            extra = 1
            [[image]]
            reference = "gcc:14"
            digest = "\(one)"
            [[image]]
            reference = "docker.io/library/gcc:14"
            digest = "\(two)"
            [[image]]
            reference = "GCC"
            digest = "sha256:12"
            [[image]]
            """,
            file: "roost.lock"
        )
        #expect(lock == nil)
        #expect(
            diagnostics.map { String($0.description.split(separator: ": ").prefix(3).joined(separator: ": ")) } == [
                "roost.lock:2:1: error: extra", "roost.lock:6:3: error: image[1]",
                "roost.lock:10:1: error: image[2].reference", "roost.lock:11:1: error: image[2].digest",
                "roost.lock:12:3: error: image[3].reference", "roost.lock:12:3: error: image[3].digest",
            ]
        )
    }

    @Test(
        "a lock file of another version, or of none, is refused as such",
        arguments: [
            (
                "schema = \"roost.lock/2\"\nnew = 1",
                "1:1: error: schema: this Roost reads \"roost.lock/1\", not \"roost.lock/2\""
            ),
            ("", "1:1: error: schema: missing"),
        ]
    )
    func schema(text: String, expected: String) {
        let (lock, diagnostics) = LockFile.parse(text, file: "roost.lock")
        #expect(lock == nil)
        #expect(diagnostics.count == 1)
        #expect(diagnostics.first?.description.hasPrefix("roost.lock:\(expected)") == true)
    }
}
