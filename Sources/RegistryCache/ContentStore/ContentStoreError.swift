package import RoostCore

/// What keeps the store from doing what it is asked for.
package enum ContentStoreError: Error, Sendable, CustomStringConvertible {
    /// Another process, or another store of this one, uses the folder.
    case inUse(folder: String)
    /// A newer Roost has written the index; nothing was changed in it.
    case newerIndex(file: String)
    /// SQLite can't go on with the index.
    case index(file: String, cause: any Error)
    case file(FileFault)
    /// Neither the cap nor the floor of free disk leaves room, even after all has gone that may go.
    case full(needed: ByteCount)
    /// Larger than all that the store may hold.
    case tooLarge(size: ByteCount, limit: ByteCount)
    /// Bytes beyond the size that was reserved, or a file that is not what it was.
    case inconsistent(String)

    /// Whether it is room that is missing, so that content can still be handed through.
    package var isLackOfRoom: Bool {
        switch self {
        case .full, .tooLarge: true
        case .file(let fault): fault.isFull
        case .inUse, .newerIndex, .index, .inconsistent: false
        }
    }

    package var description: String {
        switch self {
        case .inUse(let folder):
            "another process uses the image cache in \(folder); end it, or give this one a folder of its own"
        case .newerIndex(let file):
            "the image cache's index in \(file) was written by a newer Roost, and was left as it is; use that one, or "
                + "another folder"
        case .index(let file, let cause): "the image cache's index in \(file) can't be used: \(cause)"
        case .file(let fault): "the image cache can't use its folder: \(fault)"
        case .full(let needed): "the image cache has no room for \(needed) more"
        case .tooLarge(let size, let limit): "\(size) is more than the image cache may hold (\(limit))"
        case .inconsistent(let text): "the image cache found \(text)"
        }
    }
}
