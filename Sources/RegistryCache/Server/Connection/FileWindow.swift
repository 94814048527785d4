import NIOCore

/// An open file from which pieces are sent, which goes on belonging to somebody else.
final class FileWindow: Sendable {
    /// How much is sent of one blob before others have their turn.
    static let pieceSize: Int64 = 1 << 20

    /// Keeps the descriptor open.
    private let owner: any Sendable
    /// NIO takes regions of handles only, and lets one handle be used by one at a time; the descriptor may have many.
    private let handle: NIOFileHandle

    convenience init(_ blob: OpenBlob) { self.init(owner: blob, descriptor: blob.descriptor) }

    convenience init(_ blob: any GrowingBlob) { self.init(owner: blob, descriptor: blob.descriptor) }

    private init(owner: any Sendable, descriptor: CInt) {
        self.owner = owner
        handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    }

    deinit { _ = try? handle.takeDescriptorOwnership() }

    /// The first piece of what is left.
    func piece(of rest: Range<Int64>) -> FileRegion {
        let end = min(rest.upperBound, rest.lowerBound + Self.pieceSize)
        return FileRegion(fileHandle: handle, readerIndex: Int(rest.lowerBound), endIndex: Int(end))
    }
}
