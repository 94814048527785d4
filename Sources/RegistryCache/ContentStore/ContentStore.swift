package import Foundation
import Glibc
import GRDB
import NIOCore
package import OCIDistribution
import Synchronization

/// The blobs and manifests that the cache keeps, in a folder of its own, with an index beside them.
///
/// Whole files are known by their name alone: they are moved to it once their digest has been found right, so that a hit
/// opens a file and asks nothing else. The index says in which order they go, and what is known of names. Whatever
/// moment the process ends at, opening the folder again finds whole blobs, partials that can be gone on with, and nothing
/// else.
package final class ContentStore: Sendable {
    /// What is kept in memory, so that an event loop can answer without reading anything.
    struct Recent: Sendable {
        var manifests = RecentlyUsed<Digest, Held>(cost: 32 << 20)
        var tags = RecentlyUsed<TagKey, CachedTag>(cost: 32_768)
        var members = RecentlyUsed<MemberKey, Bool>(cost: 131_072)
    }

    struct Held: Sendable {
        let bytes: ByteBuffer
        let mediaType: MediaType
    }

    struct TagKey: Hashable, Sendable {
        let repository: CachedRepository
        let name: String
    }

    struct MemberKey: Hashable, Sendable {
        let repository: CachedRepository
        let digest: Digest
    }

    /// What is to be written to the index at some time.
    struct Unwritten: Sendable {
        var uses: UseLog
        var counters: [String: Int64] = [:]
        var isFlushAsked = false
    }

    package let limits: StoreLimits
    /// What opening found to be amiss, and put right.
    package let opening: OpeningReport
    let layout: StoreLayout
    let files: any StoreFiles
    let index: StoreIndex
    let now: @Sendable () -> Date
    let space: Mutex<SpaceLedger>
    let unwritten: Mutex<Unwritten>
    let recent = Mutex(Recent())
    let leased = Mutex<Set<Digest>>([])
    /// One change after another.
    let changes: BlockingWork
    /// Reading and writing of contents.
    let transfers = BlockingWork("roost.cache.files", isSerial: false)
    private let lock: StoreLock

    init(opened: StoreOpening.Opened, limits: StoreLimits, now: @escaping @Sendable () -> Date, changes: BlockingWork) {
        self.limits = limits
        self.now = now
        self.changes = changes
        layout = opened.layout
        files = opened.index.files
        index = opened.index
        opening = opened.report
        space = Mutex(opened.space)
        unwritten = Mutex(Unwritten(uses: UseLog(nextOrder: opened.nextUseOrder)))
        lock = opened.lock
    }

    /// Opens the store in a folder, making what is missing, and puts right what an earlier end left behind.
    ///
    /// - Parameters:
    ///   - folder: Its path; the folder above it is there.
    ///   - limits: How much room it may take. Where less than before, the rest goes at the first fill or ``collect(toFree:dryRun:)``.
    ///   - now: The wall clock.
    /// - Returns: The store; nobody else can open the folder while it is there.
    /// - Throws: ``ContentStoreError``.
    package static func open(
        folder: String,
        limits: StoreLimits,
        now: @escaping @Sendable () -> Date = { Date() }
    ) async throws(ContentStoreError) -> ContentStore {
        try await open(folder: folder, limits: limits, files: SystemFiles(), now: now)
    }

    static func open(
        folder: String,
        limits: StoreLimits,
        files: any StoreFiles,
        now: @escaping @Sendable () -> Date = { Date() }
    ) async throws(ContentStoreError) -> ContentStore {
        let changes = BlockingWork("roost.cache.index", isSerial: true)
        return try await changes.run { () throws(ContentStoreError) -> ContentStore in
            let opened = try StoreOpening(layout: StoreLayout(folder: folder), files: files, now: now()).open()
            return ContentStore(opened: opened, limits: limits, now: now, changes: changes)
        }
    }

    /// Writes what has been kept in memory, and closes the index; the store can't be used any more.
    package func close() async {
        await changes.run { () throws(Never) in
            try? self.writeUnwritten()
            try? self.index.database.close()
            self.lock.release()
        }
    }

    // MARK: Reading

    /// Opens a whole blob or manifest, which counts as a use. Costs the opening of a file, and no look into the index.
    ///
    /// - Parameter digest: Which.
    /// - Returns: Its file, which stays readable when it is evicted; `nil` where it is not there.
    package func open(_ digest: Digest) -> OpenBlob? {
        guard let descriptor = try? files.openForReading(layout.blob(digest)) else { return nil }
        guard let size = StoreLayout.size(of: descriptor) else {
            Glibc.close(descriptor)
            return nil
        }
        noteUse(of: digest)
        return OpenBlob(descriptor: descriptor, size: size) { Glibc.close($0) }
    }

    /// The size of a whole blob or manifest in bytes, which is no use of it; `nil` where it is not there.
    package func size(of digest: Digest) -> Int64? { StoreLayout.size(of: layout.blob(digest)) }

    /// Lets a blob be the last to go.
    package func noteUse(of digest: Digest) {
        let time = now()
        let asksForFlush = unwritten.withLock { unwritten in
            unwritten.uses.note(digest, at: time)
            guard unwritten.uses.pending.count >= Self.usesAtOnce, !unwritten.isFlushAsked else { return false }
            unwritten.isFlushAsked = true
            return true
        }
        if asksForFlush { changes.submit { try? self.writeUnwritten() } }
    }

    // MARK: Counters

    /// Adds to counters that outlive the process, such as of bytes served.
    package func count(_ amounts: [String: Int64]) {
        unwritten.withLock { unwritten in unwritten.counters.merge(amounts) { $0 &+ $1 } }
    }

    /// Writes uses and counters that have been kept in memory; to be called now and then.
    ///
    /// - Throws: ``ContentStoreError``; nothing is lost by it.
    package func flush() async throws(ContentStoreError) {
        try await changes.run { () throws(ContentStoreError) in try self.writeUnwritten() }
    }

    private static let usesAtOnce = 1024

    /// Called on the thread of changes.
    func writeUnwritten() throws(ContentStoreError) {
        let (uses, counters) = unwritten.withLock { unwritten in
            defer { unwritten.counters = [:] }
            unwritten.isFlushAsked = false
            return (unwritten.uses.take(), unwritten.counters)
        }
        do {
            try index.record(uses)
        } catch {
            unwritten.withLock { unwritten in
                unwritten.uses.putBack(uses)
                unwritten.counters.merge(counters) { $0 &+ $1 }
            }
            throw error
        }
        do {
            try index.add(counters)
        } catch {
            unwritten.withLock { $0.counters.merge(counters) { $0 &+ $1 } }
            throw error
        }
    }

    // MARK: Watching

    /// How full it is.
    ///
    /// - Throws: ``ContentStoreError`` where the index can't be read.
    package func status() async throws(ContentStoreError) -> StoreStatus {
        try await changes.run { () throws(ContentStoreError) -> StoreStatus in
            var counters = try self.index.counters()
            self.unwritten.withLock { counters.merge($0.counters) { $0 &+ $1 } }
            let space = self.space.withLock { $0 }
            return StoreStatus(
                limits: self.limits,
                used: space.used,
                storedCount: space.storedCount,
                stored: space.stored,
                filling: space.reservations.values.reduce(0) { $0 + $1.size },
                idlePartials: space.idlePartials.values.reduce(0, +),
                quarantined: space.quarantined.values.reduce(0, +),
                quarantinedCount: space.quarantined.count,
                free: try? self.files.freeSpace(at: self.layout.folder),
                counters: counters
            )
        }
    }

    /// What is stored, the least recently used first.
    ///
    /// - Parameter limit: At most how many.
    /// - Returns: The entries.
    /// - Throws: ``ContentStoreError``.
    package func list(limit: Int = .max) async throws(ContentStoreError) -> [StoredEntry] {
        try await changes.run { () throws(ContentStoreError) -> [StoredEntry] in
            try self.writeUnwritten()
            let protection = try self.protection()
            var entries: [StoredEntry] = []
            for blob in try self.index.leastRecentlyUsed(after: nil, limit: limit) {
                entries.append(
                    StoredEntry(
                        digest: blob.digest,
                        size: blob.size,
                        mediaType: blob.mediaType,
                        lastUsed: blob.use.time,
                        hold: protection.hold(on: blob.digest),
                        tags: try self.index.tags(of: blob.digest),
                        repositories: try self.index.repositories(of: blob.digest)
                    )
                )
            }
            return entries
        }
    }
}
