import Glibc
package import OCIDistribution
package import RoostCore
import Synchronization

/// A file that was not what its name says. It is quarantined, and has to be fetched again.
package struct DamagedBlob: Hashable, Sendable {
    package let digest: Digest
    /// As the index has it, in bytes.
    package let size: Int64
    /// Of a manifest; `nil` for other blobs.
    package let mediaType: MediaType?
    /// Whose it was, and so where to fetch it from.
    package let repositories: [CachedRepository]
}

/// What a scrub came to.
package struct ScrubReport: Hashable, Sendable {
    package var checked = 0
    /// How many bytes were read.
    package var bytes: Int64 = 0
    package var damaged: [DamagedBlob] = []
}

/// Reads again what is stored, and takes out of it what is damaged.
extension ContentStore {
    /// Reads files and compares them with their names, those first that were read again the longest ago.
    ///
    /// - Parameters:
    ///   - limit: At most how many files; `nil` for all.
    ///   - rate: How many bytes a second are read at most; `nil` for no bound.
    ///   - pause: Waits for a time; tests have one that does not.
    ///   - onDamage: Told of each damaged file as soon as it is out of the way.
    /// - Returns: What has been found.
    /// - Throws: ``ContentStoreError``, or `CancellationError`; what has been checked till then stays so.
    package func verify(
        limit: Int? = nil,
        rate: ByteCount? = nil,
        pause: @Sendable (Duration) async throws -> Void = { try await ContinuousClock().sleep(for: $0) },
        onDamage: @Sendable (DamagedBlob) async -> Void = { _ in }
    ) async throws -> ScrubReport {
        var report = ScrubReport()
        let count = try await changes.run { () throws(ContentStoreError) -> Int in try self.index.total().count }
        var left = min(limit ?? count, count)
        while left > 0 {
            let page = min(left, 32)
            let blobs = try await changes.run { () throws(ContentStoreError) -> [StoreIndex.Blob] in
                try self.index.leastRecentlyChecked(limit: page)
            }
            guard !blobs.isEmpty else { break }
            for blob in blobs {
                let isRight = try await isRight(blob, rate: rate, pause: pause, read: &report.bytes)
                report.checked += 1
                if let damaged = try await settle(blob, isRight: isRight) {
                    report.damaged.append(damaged)
                    await onDamage(damaged)
                }
            }
            left -= blobs.count
        }
        return report
    }

    private static let stride: Int64 = 4 << 20

    /// - Returns: `nil` where the file is gone: it has been evicted meanwhile, or removed by somebody.
    private func isRight(
        _ blob: StoreIndex.Blob,
        rate: ByteCount?,
        pause: @Sendable (Duration) async throws -> Void,
        read: inout Int64
    ) async throws -> Bool? {
        guard let descriptor = try? files.openForReading(layout.blob(blob.digest)) else { return nil }
        // Reading again is no use of it: the order of eviction is the clients'.
        let file = OpenBlob(descriptor: descriptor, size: blob.size) { Glibc.close($0) }
        guard StoreLayout.size(of: descriptor) == blob.size else { return false }
        var hash = RunningDigest(blob.digest.algorithm)
        var offset: Int64 = 0
        while offset < blob.size {
            try Task.checkCancellation()
            let range = offset..<min(blob.size, offset + Self.stride)
            let before = hash
            let result = await transfers.run { () throws(Never) -> (RunningDigest, Int64)? in
                var hash = before
                var buffer = [UInt8](repeating: 0, count: 1 << 18)
                guard let count = try? hash.update(from: file.descriptor, range, through: &buffer) else { return nil }
                return (hash, count)
            }
            // What the disk can't read is as good as damaged.
            guard let result, result.1 == Int64(range.count) else { return false }
            hash = result.0
            offset += result.1
            read += result.1
            if let rate, rate.bytes > 0 {
                try await pause(.nanoseconds(Int64(Double(result.1) / Double(rate.bytes) * 1e9)))
            }
        }
        return hash.matches(blob.digest)
    }

    private func settle(_ blob: StoreIndex.Blob, isRight: Bool?) async throws(ContentStoreError) -> DamagedBlob? {
        try await changes.run { () throws(ContentStoreError) -> DamagedBlob? in
            let digest = blob.digest
            switch isRight {
            case true:
                try self.index.noteChecked(digest)
                return nil
            case false:
                guard try self.index.blob(digest) != nil else { return nil }
                let repositories = try self.index.repositories(of: digest)
                try self.quarantine(blob)
                return DamagedBlob(
                    digest: digest,
                    size: blob.size,
                    mediaType: blob.mediaType,
                    repositories: repositories
                )
            case nil:
                guard self.size(of: digest) == nil, try self.index.blob(digest) != nil else { return nil }
                try self.index.remove([digest])
                self.forget([digest])
                self.space.withLock { $0.removeStored(blob.size) }
                return nil
            }
        }
    }

    private func quarantine(_ blob: StoreIndex.Blob) throws(ContentStoreError) {
        let digest = blob.digest
        let place = layout.quarantined(digest)
        try blocking { () throws(FileFault) in
            try files.rename(layout.blob(digest), to: place)
            try files.syncFolder(layout.quarantine)
            try files.syncFolder(layout.shelf(of: digest))
        }
        forget([digest])
        let size = StoreLayout.size(of: place) ?? blob.size
        space.withLock { space in
            space.removeStored(blob.size)
            space.addQuarantined(digest, size)
        }
        try index.remove([digest])
    }
}
