import Foundation
import NIOCore
import OCIDistribution
import RoostCore
import RoostTesting
import Synchronization
import Testing

@testable import RegistryCache

/// A folder for a store, and what tests do to it.
struct StoreFixture {
    let directory: TemporaryDirectory
    /// The wall clock.
    let clock = Shared(Date(timeIntervalSince1970: 1_000_000))

    var folder: String { directory.path("cache") }
    var layout: StoreLayout { StoreLayout(folder: folder) }

    static func with(_ body: (StoreFixture) async throws -> Void) async throws {
        try await TemporaryDirectory.with { try await body(StoreFixture(directory: $0)) }
    }

    func open(
        cap: Int64 = 1 << 30,
        minFree: Int64 = 0,
        files: any StoreFiles = SystemFiles()
    ) async throws -> ContentStore {
        try await ContentStore.open(
            folder: folder,
            limits: StoreLimits(maxSize: ByteCount(cap), minFree: ByteCount(minFree), freshFor: .seconds(60)),
            files: files,
            now: { [clock] in clock.value }
        )
    }

    func pass(_ seconds: Double) { clock.update { $0 += seconds } }

    /// Opens a store, and closes it when `body` is over.
    func withStore(
        cap: Int64 = 1 << 30,
        minFree: Int64 = 0,
        files: any StoreFiles = SystemFiles(),
        _ body: (ContentStore) async throws -> Void
    ) async throws {
        let store = try await open(cap: cap, minFree: minFree, files: files)
        do {
            try await body(store)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// The bytes of all files that count against the cap.
    func bytesOnDisk() throws -> Int64 {
        var sum: Int64 = 0
        for folder in [layout.blobs, layout.partials, layout.quarantine] {
            for file in try Self.files(below: folder) { sum += StoreLayout.size(of: file) ?? 0 }
        }
        return sum
    }

    /// The digests of the whole files.
    func storedDigests() throws -> Set<Digest> {
        Set(
            try Self.files(below: layout.blobs).map { path in
                let parts = path.split(separator: "/").suffix(3)
                return try Digest(parsing: "\(parts.first ?? ""):\(parts.last ?? "")")
            }
        )
    }

    static func files(below folder: String) throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder)
        return names.map { "\(folder)/\($0)" }.filter { StoreLayout.size(of: $0) != nil }
    }
}

/// Bytes and their digest.
struct Content: Hashable, Sendable {
    let bytes: [UInt8]
    let digest: Digest

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        digest = .sha256(of: bytes)
    }

    /// Content of its own for each seed.
    init(seed: UInt64, size: Int) {
        var generator = SplitMix64(seed: seed)
        self.init(generator.bytes(size))
    }
}

let library = CachedRepository(upstream: "docker.io", path: "library/debian")
let other = CachedRepository(upstream: "quay.io", path: "org/img")

func debian() throws -> CachedRepository { try #require(library) }
func quay() throws -> CachedRepository { try #require(other) }

func manifestDocument(of children: [Content]) throws -> ManifestDocument {
    let config = try #require(children.first)
    let manifest = ImageManifest(
        config: Descriptor(mediaType: MediaType("c"), digest: config.digest, size: Int64(config.bytes.count)),
        layers: children.dropFirst().map {
            Descriptor(mediaType: MediaType("l"), digest: $0.digest, size: Int64($0.bytes.count))
        }
    )
    let bytes = [UInt8](try JSONEncoder().encode(manifest))
    return ManifestDocument(bytes: bytes, mediaType: .ociManifest, digest: .sha256(of: bytes))
}

extension ContentStore {
    /// Stores a blob as a fill does.
    func store(_ content: Content) async throws {
        let beginning = try await begin(content.digest, size: Int64(content.bytes.count))
        guard case .writing(let writer) = beginning else { return }
        do {
            try writer.write(ByteBuffer(bytes: content.bytes), at: 0)
        } catch {
            await abandon(writer, keeping: 0)
            throw error
        }
        try await commit(writer)
    }

    /// Stores a blob, or leaves half of it to be gone on with; does nothing where others take all the room.
    func storeOrLeave(_ content: Content, leaves: Bool) async throws {
        let size = Int64(content.bytes.count)
        let beginning: Beginning
        do {
            beginning = try await begin(content.digest, size: size)
        } catch {
            if error.isLackOfRoom { return }
            throw error
        }
        guard case .writing(let writer) = beginning else { return }
        try writer.write(ByteBuffer(bytes: content.bytes), at: 0)
        if leaves { await abandon(writer, keeping: size / 2) } else { try await commit(writer) }
    }

    /// What counts against the cap.
    var used: Int64 { space.withLock { $0.used } }

    func holds(_ content: Content) -> Bool { size(of: content.digest) != nil }
}

/// What a file that is open holds.
func contents(of file: OpenBlob) throws -> [UInt8] { try contents(of: file.descriptor, 0..<file.size) }

func contents(of descriptor: CInt, _ range: Range<Int64>) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(range.lowerBound) + done)
        }
        guard count > 0 else { throw POSIXError(.EIO) }
        done += count
    }
    return bytes
}

/// A disk on which, from one change on, nothing happens any more, as if the process had been killed before it; a write that
/// is hit is half done.
struct StoppingFiles: StoreFiles {
    private let disk = SystemFiles()
    /// How many changes have been asked for.
    let count = Shared(0)
    /// The change before which everything stops, counted from 1; 0 for never.
    var stop = 0
    /// What the disk has left.
    var free = Shared<Int64>(.max)
    /// What a call at the stop, and any after it, fails with.
    var code: CInt = EIO
    /// Whether only the call at the stop fails, and not those after it.
    var failsOnce = false

    private func hits() -> Bool {
        var now = 0
        count.update { count in
            count += 1
            now = count
        }
        return stop > 0 && (failsOnce ? now == stop : now >= stop)
    }

    private func step(_ operation: String) throws(FileFault) {
        if hits() { throw FileFault(operation: operation, path: "", code: code) }
    }

    func makeFolder(_ path: String) throws(FileFault) {
        try step("mkdir")
        try disk.makeFolder(path)
    }

    func openForWriting(_ path: String) throws(FileFault) -> CInt {
        try step("open")
        return try disk.openForWriting(path)
    }

    func openForReading(_ path: String) throws(FileFault) -> CInt { try disk.openForReading(path) }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: Int64) throws(FileFault) {
        if hits() {
            try disk.write(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)]), to: descriptor, at: offset)
            throw FileFault(operation: "write", path: "", code: code)
        }
        try disk.write(bytes, to: descriptor, at: offset)
    }

    func cut(_ descriptor: CInt, to size: Int64) throws(FileFault) {
        try step("ftruncate")
        try disk.cut(descriptor, to: size)
    }

    func sync(_ descriptor: CInt) throws(FileFault) {
        try step("fsync")
        try disk.sync(descriptor)
    }

    func syncFolder(_ path: String) throws(FileFault) {
        try step("fsync")
        try disk.syncFolder(path)
    }

    func rename(_ path: String, to newPath: String) throws(FileFault) {
        try step("rename")
        try disk.rename(path, to: newPath)
    }

    func remove(_ path: String) throws(FileFault) {
        try step("unlink")
        try disk.remove(path)
    }

    func willRecord() throws(FileFault) { try step("commit") }

    func freeSpace(at path: String) throws(FileFault) -> Int64 { free.value }
}

extension StoppingFiles {
    /// At which change a fill into a new store writes its first bytes.
    static func changesBeforeFirstWrite() async throws -> Int {
        let files = StoppingFiles()
        try await StoreFixture.with { fixture in
            try await fixture.withStore(files: files) { store in
                let content = Content([1])
                try await store.note(debian(), has: [content.digest])
                guard case .writing(let writer) = try await store.begin(content.digest, size: 1) else { return }
                files.count.update { $0 += 1 }
                let count = files.count.value
                await store.abandon(writer, keeping: 0)
                files.count.update { $0 = count }
            }
        }
        return files.count.value
    }
}
