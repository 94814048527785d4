import Foundation

/// A file that the kernel writes while it is read, such as those of `/proc`: its size is told as zero, and one read brings a
/// part of it, at which Foundation's own functions stop.
package enum KernelFile {
    /// Longer files are of no use to anybody here.
    private static let most = 4 << 20

    /// Reads a file to its end.
    ///
    /// - Parameter path: The file.
    /// - Returns: Its content, of very long files the begin; `nil` where it can't be read.
    package static func bytes(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while content.count < most {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            content += buffer.prefix(count)
        }
        return content
    }

    /// Reads a file to its end; what is no UTF-8 is replaced by U+FFFD.
    ///
    /// - Parameter path: The file.
    /// - Returns: Its text; `nil` where it can't be read.
    package static func text(of path: String) -> String? {
        bytes(of: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
