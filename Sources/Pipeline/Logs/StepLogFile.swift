import Foundation
import Synchronization

/// The raw log of one attempt of a step: the bytes as the step wrote them, both streams in the order of their arrival.
package final class StepLogFile: Sendable {
    /// The file, relative to the project folder.
    package let path: String
    /// `nil` once it is closed.
    private let descriptor: Mutex<Int32?>

    /// Takes over an open descriptor.
    init(_ descriptor: Int32, path: String) {
        self.path = path
        self.descriptor = Mutex(descriptor)
    }

    deinit {
        descriptor.withLock { number in
            if let open = number.take() { Foundation.close(open) }
        }
    }

    /// Appends bytes.
    ///
    /// - Throws: ``LogFileError/diskFull(path:)`` and others; what had been written stays.
    package func write(_ bytes: [UInt8]) throws(LogFileError) {
        try write(bytes[...])
    }

    /// Appends bytes; see ``write(_:)-([UInt8])``.
    package func write(_ bytes: ArraySlice<UInt8>) throws(LogFileError) {
        let failure = descriptor.withLock { number -> LogFileError? in
            guard let number else { return .closed(path: path) }
            return bytes.withUnsafeBytes { buffer -> LogFileError? in
                var written = 0
                while written < buffer.count {
                    let count = Foundation.write(
                        number,
                        buffer.baseAddress.map { $0 + written },
                        buffer.count - written
                    )
                    if count >= 0 {
                        written += count
                    } else if errno != EINTR {
                        return LogFileError.from(errno, "write", path)
                    }
                }
                return nil
            }
        }
        if let failure { throw failure }
    }

    /// Closes the file; a second time does nothing.
    ///
    /// - Throws: ``LogFileError`` where the file system tells of a failed write only now, as network ones may.
    package func close() throws(LogFileError) {
        let failure = descriptor.withLock { number -> LogFileError? in
            guard let open = number.take() else { return nil }
            // After EINTR the descriptor is closed all the same on Linux; closing again could hit another's.
            return Foundation.close(open) == 0 || errno == EINTR ? nil : LogFileError.from(errno, "close", path)
        }
        if let failure { throw failure }
    }
}
