import Foundation
import RegistryCache
import Testing

@testable import RoostCLI

@Suite("What the cache's verbs say")
struct CacheTextTests {
    private static func read<Document: Decodable>(_ json: String) throws -> Document {
        try ControlJSON.decode(Document.self, from: Data(json.utf8))
    }

    @Test("status tells of sizes, savings, and what is amiss with a registry")
    func status() throws {
        let status: CacheStatusDocument = try Self.read(
            """
            {"schema": "roost.cache.status/1", "folder": "/c", "address": "127.0.0.1:5555", "started_at": "2026-01-02T03:04:05Z",
             "size": {"used": 1048576, "max": 4194304, "min_free": 1, "disk_free": 1073741824, "stored": 1, "stored_count": 1,
                      "filling": 2048, "filling_count": 2, "partials": 0, "quarantined": 10, "quarantined_count": 1},
             "requests": {"hits": 1, "misses": 2, "joined": 3, "stale": 4, "revalidated": 5, "uncached": 6, "bytes": 4096,
                          "saved_bytes": 1024},
             "evictions": {"count": 1, "bytes": 512}, "pins": 1,
             "upstreams": [
               {"name": "docker.io", "url": "u", "requests": 1, "failures": 0, "bytes": 1024, "breaker": "closed",
                "rate_limit": {"limit": 100, "remaining": 76}},
               {"name": "q.io", "url": "u", "requests": 2, "failures": 2, "bytes": 0, "breaker": "open", "rest_seconds": 4.2,
                "last_error": "refused", "last_error_age_seconds": 1}]}
            """
        )
        #expect(
            CacheText.status(status) == """
                serving  127.0.0.1:5555 from /c, since 2026-01-02T03:04:05Z
                size     1 MiB of 4 MiB (25 %), 1 blob, 1 GiB free on the disk
                filling  2 blobs, 2 KiB reserved
                damaged  1 file, 10 B, put aside; 'roost cache gc' removes them
                pins     1 image
                answers  1 hit, 2 missed, 3 joined, 5 revalidated, 4 stale, 6 not kept
                saved    1 KiB of 4 KiB served
                evicted  1 blob, 512 B

                docker.io  1 request, 1 KiB, 76 of 100 pulls left
                q.io       2 requests, 0 B, down, asked again in 4.2 s, last error 1.0 s ago: refused

                """
        )
    }

    @Test("gc says why something goes or stays, and what to do where too little can go")
    func collection() throws {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        let done: CacheCollectionDocument = try Self.read(
            """
            {"schema": "roost.cache.gc/1", "dry_run": true, "wanted": 2048, "freed": 1024, "suffices": false, "candidates": [
              {"digest": "\(digest)", "size": 1024, "kind": "blob", "hold": "none", "goes": true, "reason": "old"},
              {"digest": "\(digest)", "size": 5, "kind": "manifest", "hold": "pinned", "goes": false, "reason": "it is pinned"}]}
            """
        )
        #expect(
            CacheText.collection(done) == """
                would go  \(digest)  1 KiB      blob         old
                stays     \(digest)  5 B        manifest     it is pinned
                only 1 KiB of 2 KiB can be freed: the rest is pinned or needed by runs; let go of pins by 'roost cache unpin'

                """
        )
    }
}
