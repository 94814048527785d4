import Glibc
package import NIOCore
package import OCIDistribution

/// The file of a blob that is being filled; closed with this value.
package final class BlobWriter: Sendable {
    package let digest: Digest
    /// The whole blob's size in bytes, which is reserved.
    package let size: Int64
    /// How many bytes were there when it was opened; they have not been checked.
    package let resumableLength: Int64
    /// For reading by offset; it stays readable whatever becomes of the file.
    package let descriptor: CInt
    private let files: any StoreFiles
    private let didWrite: @Sendable (Int64) -> Void

    init(
        digest: Digest,
        size: Int64,
        resumableLength: Int64,
        _ descriptor: CInt,
        _ files: any StoreFiles,
        didWrite: @escaping @Sendable (Int64) -> Void
    ) {
        self.digest = digest
        self.size = size
        self.resumableLength = resumableLength
        self.descriptor = descriptor
        self.files = files
        self.didWrite = didWrite
    }

    deinit { close(descriptor) }

    /// Writes bytes; blocks.
    ///
    /// - Throws: ``ContentStoreError``; nothing is written beyond the reserved size.
    package func write(_ bytes: ByteBuffer, at offset: Int64) throws(ContentStoreError) {
        let count = Int64(bytes.readableBytes)
        guard offset >= 0, offset <= size, count <= size - offset else {
            throw .inconsistent("more bytes than were reserved")
        }
        try blocking { () throws(FileFault) in
            let result = bytes.withUnsafeReadableBytes { bytes in
                Result { () throws(FileFault) in try files.write(bytes, to: descriptor, at: offset) }
            }
            try result.get()
        }
        didWrite(offset + count)
    }
}
