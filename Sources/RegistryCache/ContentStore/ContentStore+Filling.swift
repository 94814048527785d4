import NIOCore
package import OCIDistribution
import RoostCore
import Synchronization

/// How content gets into the store.
extension ContentStore {
    /// What ``begin(_:size:)`` comes to.
    package enum Beginning: Sendable {
        /// Somebody was faster: it is there.
        case stored
        case writing(BlobWriter)
    }

    /// The whole size of a blob of which a part is there to be gone on with, and how much of it is there, in bytes.
    ///
    /// - Throws: ``ContentStoreError``.
    package func partial(_ digest: Digest) async throws(ContentStoreError) -> (size: Int64, length: Int64)? {
        try await changes.run { () throws(ContentStoreError) -> (size: Int64, length: Int64)? in
            guard let length = self.space.withLock({ $0.idlePartials[digest] }),
                let size = try self.index.partialSize(digest), length <= size
            else { return nil }
            return (size, length)
        }
    }

    /// Takes room for a blob, evicting what has to go for it, and opens its file. What is there of it already is kept.
    ///
    /// - Parameters:
    ///   - digest: Which; nobody else is filling it.
    ///   - size: Its whole size in bytes.
    /// - Returns: The file, to be given to ``commit(_:)`` or ``abandon(_:keeping:)``.
    /// - Throws: ``ContentStoreError``; where ``ContentStoreError/isLackOfRoom``, nothing is left of the attempt.
    package func begin(_ digest: Digest, size: Int64) async throws(ContentStoreError) -> Beginning {
        try await changes.run { () throws(ContentStoreError) -> Beginning in
            if self.size(of: digest) != nil { return .stored }
            return .writing(try self.openWriter(digest, size: size))
        }
    }

    /// Makes a blob of a file that has been found right: it is there after this, whatever happens.
    ///
    /// - Throws: ``ContentStoreError``; then the file is gone, and can still be read through the writer's descriptor.
    package func commit(_ writer: BlobWriter) async throws(ContentStoreError) {
        do throws(ContentStoreError) {
            // A large file takes a while to reach the disk: that keeps nobody else waiting.
            try await transfers.run { () throws(ContentStoreError) in
                try blocking { () throws(FileFault) in try self.files.sync(writer.descriptor) }
            }
            try await changes.run { () throws(ContentStoreError) in
                try self.moveIntoPlace(writer, mediaType: nil, children: [])
            }
        } catch {
            await abandon(writer, keeping: 0)
            throw error
        }
    }

    /// Ends a fill that did not come to its end.
    ///
    /// - Parameters:
    ///   - writer: Whose.
    ///   - length: How many bytes of it are to stay, for another to go on with; 0 for none.
    package func abandon(_ writer: BlobWriter, keeping length: Int64) async {
        await changes.run { () throws(Never) in self.drop(writer, keeping: length) }
    }

    /// Stores a manifest whose digest has been checked, and what it refers to.
    ///
    /// - Parameters:
    ///   - document: The manifest.
    ///   - repository: Whose it is; from now on it may have it.
    /// - Throws: ``ContentStoreError``.
    package func put(
        manifest document: ManifestDocument,
        of repository: CachedRepository
    ) async throws(ContentStoreError) {
        let children = (try? document.manifest()).map(StoredManifest.children) ?? []
        try await changes.run { () throws(ContentStoreError) in
            try self.store(document, children: children)
        }
        recent.withLock { recent in
            recent.manifests.set(
                Held(bytes: ByteBuffer(bytes: document.bytes), mediaType: document.mediaType),
                for: document.digest,
                cost: document.bytes.count
            )
        }
        try await note(repository, has: [document.digest])
    }

    // MARK: On the thread of changes

    private func openWriter(_ digest: Digest, size: Int64) throws(ContentStoreError) -> BlobWriter {
        guard size >= 0 else { throw .inconsistent("a negative size") }
        guard size <= limits.maxSize.bytes else { throw .tooLarge(size: .init(size), limit: limits.maxSize) }
        guard space.withLock({ $0.reservations[digest] }) == nil else {
            throw .inconsistent("two fills of \(digest)")
        }
        // What is larger than the whole was another's, or of another size: it is of no use.
        if let length = space.withLock({ $0.idlePartials[digest] }), length > size {
            try removePartials([digest])
        }
        try makeRoom(for: digest, size: size)
        // The row comes first: whatever file there is, the index knows that it may be there.
        try index.addPartial(digest, size: size)
        let path = layout.partial(digest)
        do throws(ContentStoreError) {
            return try blocking { () throws(FileFault) in
                let descriptor = try files.openForWriting(path)
                let length = min(size, StoreLayout.size(of: descriptor) ?? 0)
                space.withLock { $0.reserve(digest, size: size) }
                return BlobWriter(digest: digest, size: size, resumableLength: length, descriptor, files) { written in
                    self.space.withLock { $0.wrote(digest, upTo: written) }
                }
            }
        } catch {
            try? files.remove(path)
            space.withLock { $0.removeIdlePartial(digest) }
            try? index.removePartials([digest])
            throw error
        }
    }

    /// Manifests are small: all of it is one change, so that two who bring the same one do not meet.
    private func store(_ document: ManifestDocument, children: [Digest]) throws(ContentStoreError) {
        let size = Int64(document.bytes.count)
        if self.size(of: document.digest) != nil {
            // It may have come as a blob: its type is known only now.
            return try index.add(
                .init(digest: document.digest, size: size, mediaType: document.mediaType, use: nextPlace()),
                children: children
            )
        }
        let writer = try openWriter(document.digest, size: size)
        do throws(ContentStoreError) {
            // Whatever an earlier attempt has left is written over.
            try writer.write(ByteBuffer(bytes: document.bytes), at: 0)
            try blocking { () throws(FileFault) in try files.sync(writer.descriptor) }
            try moveIntoPlace(writer, mediaType: document.mediaType, children: children)
        } catch {
            drop(writer, keeping: 0)
            throw error
        }
    }

    private func moveIntoPlace(
        _ writer: BlobWriter,
        mediaType: MediaType?,
        children: [Digest]
    ) throws(ContentStoreError) {
        guard StoreLayout.size(of: writer.descriptor) == writer.size else {
            throw .inconsistent("a file of another size than was written")
        }
        let digest = writer.digest
        let shelf = layout.shelf(of: digest)
        let use = nextPlace()
        do throws(ContentStoreError) {
            try blocking { () throws(FileFault) in
                try files.makeFolder(shelf)
                try files.rename(layout.partial(digest), to: layout.blob(digest))
                try files.syncFolder(shelf)
                try files.syncFolder("\(layout.blobs)/\(digest.algorithm)")
            }
            try index.add(.init(digest: digest, size: writer.size, mediaType: mediaType, use: use), children: children)
        } catch {
            try? files.remove(layout.blob(digest))
            throw error
        }
        space.withLock { $0.commit(digest) }
    }

    private func drop(_ writer: BlobWriter, keeping length: Int64) {
        let digest = writer.digest
        if length > 0 {
            do throws(FileFault) {
                try files.cut(writer.descriptor, to: length)
                return space.withLock { $0.release(digest, keeping: length) }
            } catch {
                // What can't be cut may hold anything: it goes.
            }
        }
        do throws(FileFault) {
            try files.remove(layout.partial(digest))
            space.withLock { $0.release(digest, keeping: nil) }
        } catch {
            // It is still there, and counts.
            let there = StoreLayout.size(of: layout.partial(digest))
            return space.withLock { $0.release(digest, keeping: there) }
        }
        try? index.removePartials([digest])
    }

    func nextPlace() -> Use {
        let time = now()
        return unwritten.withLock { $0.uses.place(at: time) }
    }
}
