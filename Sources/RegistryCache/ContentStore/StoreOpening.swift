import Foundation
import Glibc
package import OCIDistribution

/// What opening a store found to be amiss, and put right.
package struct OpeningReport: Hashable, Sendable {
    /// The index was damaged, and made anew from the files; pins and tags are gone.
    package var wasIndexDamaged = false
    /// Whole files that the index did not know.
    package var adopted: [Digest] = []
    /// Rows of the index that had no file, or one of another size.
    package var dropped: [Digest] = []
    /// Fills that can be gone on with.
    package var resumable: [Digest] = []
    /// Files that were not what their names say, and are gone.
    package var removed: [String] = []
}

/// Opens a store's folder and makes files and index agree. Everything here blocks.
struct StoreOpening {
    struct Opened {
        let layout: StoreLayout
        let index: StoreIndex
        let space: SpaceLedger
        let nextUseOrder: Int64
        let report: OpeningReport
        let lock: StoreLock
    }

    let layout: StoreLayout
    let files: any StoreFiles
    let now: Date

    func open() throws(ContentStoreError) -> Opened {
        try make([layout.folder])
        let lock = try StoreLock(folder: layout.folder)
        try make([layout.blobs, layout.partials, layout.quarantine])
        for algorithm in Digest.Algorithm.allCases { try make(["\(layout.blobs)/\(algorithm)"]) }
        try blocking { () throws(FileFault) in try files.willRecord() }
        let opened = try IndexFile(path: layout.index).open()
        let index = StoreIndex(file: IndexFile(path: layout.index), database: opened.database, files: files)
        var agreement = Agreement(layout: layout, files: files, index: index, uses: try index.nextUseOrder(), now: now)
        agreement.report.wasIndexDamaged = opened.wasDamaged
        try agreement.agreeOnBlobs()
        try agreement.agreeOnPartials()
        try agreement.countQuarantined()
        try index.removeOrphans()
        return Opened(
            layout: layout,
            index: index,
            space: agreement.space,
            nextUseOrder: agreement.uses.nextOrder,
            report: agreement.report,
            lock: lock
        )
    }

    private func make(_ folders: [String]) throws(ContentStoreError) {
        for folder in folders { try blocking { () throws(FileFault) in try files.makeFolder(folder) } }
    }
}

/// Names an error of the disk as one of the store.
func blocking<Value>(_ body: () throws(FileFault) -> Value) throws(ContentStoreError) -> Value {
    do throws(FileFault) {
        return try body()
    } catch {
        throw .file(error)
    }
}

/// Makes files and index agree: the files are right.
private struct Agreement {
    let layout: StoreLayout
    let files: any StoreFiles
    let index: StoreIndex
    var uses: UseLog
    let now: Date
    var space = SpaceLedger()
    var report = OpeningReport()
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)

    init(layout: StoreLayout, files: any StoreFiles, index: StoreIndex, uses: Int64, now: Date) {
        self.layout = layout
        self.files = files
        self.index = index
        self.uses = UseLog(nextOrder: uses)
        self.now = now
    }

    // MARK: Blobs

    /// One folder of files at a time, so that a large store needs little memory.
    mutating func agreeOnBlobs() throws(ContentStoreError) {
        for algorithm in Digest.Algorithm.allCases {
            for prefix in StoreLayout.prefixes {
                let shelf = layout.shelf(algorithm, prefix)
                let names = try blocking { () throws(FileFault) in try StoreLayout.names(in: shelf) }
                var known: [Digest: Int64] = [:]
                for blob in try index.blobs(withPrefix: "\(algorithm):\(prefix)") { known[blob.digest] = blob.size }
                for name in names { try agree(on: name, in: shelf, algorithm, &known) }
                report.dropped += known.keys
                try index.remove(Array(known.keys))
            }
        }
    }

    /// Takes a file's row out of `known` where the two agree.
    private mutating func agree(
        on name: String,
        in shelf: String,
        _ algorithm: Digest.Algorithm,
        _ known: inout [Digest: Int64]
    ) throws(ContentStoreError) {
        let path = "\(shelf)/\(name)"
        guard let digest = try? Digest(parsing: "\(algorithm):\(name)"), layout.blob(digest) == path,
            let size = StoreLayout.size(of: path)
        else { return try remove(path) }
        if known[digest] == size {
            known[digest] = nil
            return space.addStored(size)
        }
        guard try isRight(digest, at: path, size: size) else { return try remove(path) }
        // Its place is behind all that the index knows: it was the last to come.
        let manifest = manifest(at: path, size: size)
        try index.add(
            .init(digest: digest, size: size, mediaType: manifest?.mediaType, use: uses.place(at: now)),
            children: manifest?.children ?? []
        )
        known[digest] = nil
        space.addStored(size)
        report.adopted.append(digest)
    }

    private mutating func isRight(_ digest: Digest, at path: String, size: Int64) throws(ContentStoreError) -> Bool {
        guard let descriptor = try? files.openForReading(path) else { return false }
        defer { close(descriptor) }
        var hash = RunningDigest(digest.algorithm)
        guard let read = try? hash.update(from: descriptor, 0..<size, through: &buffer), read == size else {
            return false
        }
        return hash.matches(digest)
    }

    /// What a file says where it is a manifest.
    private func manifest(at path: String, size: Int64) -> StoredManifest? {
        guard size <= Manifest.largestSize, let bytes = FileManager.default.contents(atPath: path) else { return nil }
        return StoredManifest(bytes: [UInt8](bytes))
    }

    private mutating func remove(_ path: String) throws(ContentStoreError) {
        try blocking { () throws(FileFault) in try files.remove(path) }
        report.removed.append(path)
    }

    // MARK: Partials

    mutating func agreeOnPartials() throws(ContentStoreError) {
        var rows = try index.partials()
        let names = try blocking { () throws(FileFault) in try StoreLayout.names(in: layout.partials) }
        for name in names {
            let path = "\(layout.partials)/\(name)"
            guard let digest = StoreLayout.digest(flatName: name), let size = rows[digest],
                let length = StoreLayout.size(of: path), length <= size, length > 0,
                StoreLayout.size(of: layout.blob(digest)) == nil
            else {
                try remove(path)
                continue
            }
            rows[digest] = nil
            space.addIdlePartial(digest, length)
            report.resumable.append(digest)
        }
        try index.removePartials(Array(rows.keys))
    }

    mutating func countQuarantined() throws(ContentStoreError) {
        for name in try blocking({ () throws(FileFault) in try StoreLayout.names(in: layout.quarantine) }) {
            let path = "\(layout.quarantine)/\(name)"
            guard let digest = StoreLayout.digest(flatName: name), let size = StoreLayout.size(of: path) else {
                try remove(path)
                continue
            }
            space.addQuarantined(digest, size)
        }
    }
}

/// What a manifest's bytes say of it, where the registry's word on its type is not known any more.
struct StoredManifest {
    let mediaType: MediaType
    let children: [Digest]

    /// - Returns: `nil` where the bytes are no manifest.
    init?(bytes: [UInt8]) {
        guard let manifest = try? Manifest(parsing: bytes) else { return nil }
        switch manifest {
        case .image(let image): mediaType = image.mediaType ?? .ociManifest
        case .index(let index): mediaType = index.mediaType ?? .ociIndex
        }
        children = Self.children(of: manifest)
    }

    static func children(of manifest: Manifest) -> [Digest] {
        switch manifest {
        case .image(let image): [image.config.digest] + image.layers.map(\.digest)
        case .index(let index): index.manifests.map(\.digest)
        }
    }
}
