package import NIOCore
package import OCIDistribution
import Synchronization

/// Manifests, tags, and who may have what. Each question has two forms: one that is answered from memory, at once or not
/// at all, and one that looks into the index.
extension ContentStore {
    // MARK: Manifests

    /// A manifest's exact bytes and type, where memory has them; a use of it.
    package func manifestAtOnce(_ digest: Digest) -> (bytes: ByteBuffer, mediaType: MediaType)? {
        guard let held = recent.withLock({ $0.manifests.value(for: digest) }) else { return nil }
        noteUse(of: digest)
        return (held.bytes, held.mediaType)
    }

    /// A manifest's exact bytes and type; a use of it.
    ///
    /// - Returns: `nil` where it is not there.
    /// - Throws: ``ContentStoreError``.
    package func manifest(
        _ digest: Digest
    ) async throws(ContentStoreError) -> (bytes: ByteBuffer, mediaType: MediaType)? {
        if let held = manifestAtOnce(digest) { return held }
        return try await changes.run { () throws(ContentStoreError) -> (bytes: ByteBuffer, mediaType: MediaType)? in
            guard let row = try self.index.blob(digest), let mediaType = row.mediaType,
                let file = self.open(digest), file.size <= Manifest.largestSize, file.size == row.size
            else { return nil }
            var bytes = [UInt8](repeating: 0, count: Int(file.size))
            var hash = RunningDigest(digest.algorithm)
            let read = try blocking { () throws(FileFault) in
                try hash.update(from: file.descriptor, 0..<file.size, through: &bytes)
            }
            // So small a file is checked each time: what it says leads to everything else.
            guard read == file.size, hash.matches(digest) else { return nil }
            let held = Held(bytes: ByteBuffer(bytes: bytes), mediaType: mediaType)
            self.recent.withLock { $0.manifests.set(held, for: digest, cost: bytes.count) }
            return (held.bytes, held.mediaType)
        }
    }

    // MARK: Tags

    /// What a tag led to, where memory has it.
    package func tagAtOnce(_ name: String, of repository: CachedRepository) -> CachedTag? {
        recent.withLock { $0.tags.value(for: TagKey(repository: repository, name: name)) }
    }

    /// What a tag led to when it was last asked for.
    ///
    /// - Throws: ``ContentStoreError``.
    package func tag(_ name: String, of repository: CachedRepository) async throws(ContentStoreError) -> CachedTag? {
        if let tag = tagAtOnce(name, of: repository) { return tag }
        return try await changes.run { () throws(ContentStoreError) -> CachedTag? in
            let tag = try self.index.tag(name, of: repository)
            if let tag {
                self.recent.withLock { $0.tags.set(tag, for: TagKey(repository: repository, name: name)) }
            }
            return tag
        }
    }

    /// Remembers what a tag leads to; its manifest is stored already.
    ///
    /// - Throws: ``ContentStoreError``; memory has it all the same.
    package func setTag(
        _ name: String,
        of repository: CachedRepository,
        to tag: CachedTag
    ) async throws(ContentStoreError) {
        recent.withLock { $0.tags.set(tag, for: TagKey(repository: repository, name: name)) }
        try await changes.run { () throws(ContentStoreError) in
            try self.index.setTag(name, of: repository, to: tag)
        }
    }

    /// Forgets a tag that its upstream has no more.
    ///
    /// - Throws: ``ContentStoreError``.
    package func removeTag(_ name: String, of repository: CachedRepository) async throws(ContentStoreError) {
        recent.withLock { $0.tags.remove(TagKey(repository: repository, name: name)) }
        try await changes.run { () throws(ContentStoreError) in try self.index.removeTag(name, of: repository) }
    }

    // MARK: Who may have what

    /// Whether a repository has been shown to have a digest, where memory knows that it has; false says nothing.
    package func admitsAtOnce(_ repository: CachedRepository, _ digest: Digest) -> Bool {
        recent.withLock { $0.members.value(for: MemberKey(repository: repository, digest: digest)) } ?? false
    }

    /// Whether a repository has been shown, by its own upstream, to have a digest.
    ///
    /// - Throws: ``ContentStoreError``.
    package func admits(_ repository: CachedRepository, _ digest: Digest) async throws(ContentStoreError) -> Bool {
        if admitsAtOnce(repository, digest) { return true }
        return try await changes.run { () throws(ContentStoreError) -> Bool in
            guard try self.index.admits(repository, digest) else { return false }
            self.recent.withLock { $0.members.set(true, for: MemberKey(repository: repository, digest: digest)) }
            return true
        }
    }

    /// Remembers that a repository's own upstream has shown it to have some digests, as by a manifest that refers to them.
    ///
    /// - Throws: ``ContentStoreError``; memory has it all the same.
    package func note(_ repository: CachedRepository, has digests: [Digest]) async throws(ContentStoreError) {
        recent.withLock { recent in
            for digest in digests { recent.members.set(true, for: MemberKey(repository: repository, digest: digest)) }
        }
        try await changes.run { () throws(ContentStoreError) in try self.index.note(repository, has: digests) }
    }

    /// Forgets that a repository has a digest: its upstream has refused it.
    ///
    /// - Throws: ``ContentStoreError``.
    package func withdraw(_ digest: Digest, from repository: CachedRepository) async throws(ContentStoreError) {
        recent.withLock { $0.members.remove(MemberKey(repository: repository, digest: digest)) }
        try await changes.run { () throws(ContentStoreError) in try self.index.removeMember(repository, digest) }
    }

    /// Whose a digest is known to be.
    ///
    /// - Throws: ``ContentStoreError``.
    package func repositories(of digest: Digest) async throws(ContentStoreError) -> [CachedRepository] {
        try await changes.run { () throws(ContentStoreError) -> [CachedRepository] in
            try self.index.repositories(of: digest)
        }
    }

    // MARK: Pins

    /// The pins, by reference.
    ///
    /// - Throws: ``ContentStoreError``.
    package func pins() async throws(ContentStoreError) -> [Pin] {
        try await changes.run { () throws(ContentStoreError) -> [Pin] in try self.index.pins() }
    }

    /// Keeps a manifest, and what it refers to, whatever room is needed.
    ///
    /// - Parameters:
    ///   - reference: The name that ``unpin(_:)`` takes; another pin of that name is replaced.
    ///   - digest: The manifest, which may come later.
    /// - Throws: ``ContentStoreError``.
    package func pin(_ reference: String, to digest: Digest) async throws(ContentStoreError) {
        let pin = Pin(reference: reference, digest: digest, pinnedAt: now())
        try await changes.run { () throws(ContentStoreError) in try self.index.pin(pin) }
    }

    /// Lets go of a pin.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: ``ContentStoreError``.
    package func unpin(_ reference: String) async throws(ContentStoreError) -> Bool {
        try await changes.run { () throws(ContentStoreError) -> Bool in try self.index.unpin(reference) }
    }
}
