import Glibc

/// What the store does to the disk, one call a change, so that a test can count each of them and stop at any.
///
/// All calls block.
protocol StoreFiles: Sendable {
    /// Makes a folder that only its owner may use; one that is there is fine.
    func makeFolder(_ path: String) throws(FileFault)
    /// Opens a file for reading and writing, making it where it is missing.
    func openForWriting(_ path: String) throws(FileFault) -> CInt
    /// Opens a regular file, never through a link.
    func openForReading(_ path: String) throws(FileFault) -> CInt
    /// Writes all of `bytes` at an offset.
    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: Int64) throws(FileFault)
    /// Makes a file shorter.
    func cut(_ descriptor: CInt, to size: Int64) throws(FileFault)
    func sync(_ descriptor: CInt) throws(FileFault)
    /// Makes the names in a folder outlive a loss of power.
    func syncFolder(_ path: String) throws(FileFault)
    func rename(_ path: String, to newPath: String) throws(FileFault)
    /// Removes a file; one that is gone is fine.
    func remove(_ path: String) throws(FileFault)
    /// Comes before each change of the index.
    func willRecord() throws(FileFault)
    /// How many bytes the disk that a folder is on has left for this user.
    func freeSpace(at path: String) throws(FileFault) -> Int64
}

/// A call to the file system failed.
package struct FileFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call, such as `rename`.
    package let operation: String
    package let path: String
    /// As in `errno`.
    package let code: CInt

    /// The disk, or the user's share of it, is full.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT }

    package var description: String { "\(operation) \(path): \(String(cString: strerror(code)))" }
}
