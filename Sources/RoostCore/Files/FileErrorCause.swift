import Foundation

/// Why a file or folder can't be used, in the system's words: Foundation's own errors show all that they hold.
package enum FileErrorCause {
    /// - Returns: The cause in a few words, such as `Permission denied`; of other errors their description.
    package static func text(of error: any Error) -> String {
        if let code = posixCode(of: error) { return String(cString: strerror(code)) }
        let known = error as NSError
        return known.domain == NSCocoaErrorDomain ? known.localizedDescription : "\(error)"
    }

    /// - Returns: The system's error number that lies behind an error; `nil` where there is none.
    package static func posixCode(of error: any Error) -> Int32? {
        if let error = error as? POSIXError { return error.code.rawValue }
        let error = error as NSError
        if error.domain == NSPOSIXErrorDomain { return Int32(exactly: error.code) }
        if let code = (error.userInfo[NSUnderlyingErrorKey] as? any Error).flatMap(posixCode) { return code }
        return error.domain == NSCocoaErrorDomain ? codes[error.code] : nil
    }

    private static let codes: [Int: Int32] = [
        CocoaError.fileWriteOutOfSpace.rawValue: ENOSPC,
        CocoaError.fileWriteVolumeReadOnly.rawValue: EROFS,
        CocoaError.fileWriteNoPermission.rawValue: EACCES,
        CocoaError.fileReadNoPermission.rawValue: EACCES,
        CocoaError.fileWriteFileExists.rawValue: EEXIST,
        CocoaError.fileNoSuchFile.rawValue: ENOENT,
        CocoaError.fileReadNoSuchFile.rawValue: ENOENT,
    ]
}
