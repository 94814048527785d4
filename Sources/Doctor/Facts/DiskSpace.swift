import Foundation
import RoostCore

extension DataRootSpace {
    /// Asks the file system that holds the engine's data.
    ///
    /// A data root that does not exist here is another machine's, or a virtual machine's.
    static func measure(_ path: String) -> DataRootSpace {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            let code = errno
            return code == ENOENT || code == ENOTDIR ? .elsewhere : .unreadable(String(cString: strerror(code)))
        }
        func size(_ blocks: UInt64) -> ByteCount {
            let (product, overflow) = blocks.multipliedReportingOverflow(by: UInt64(status.f_frsize))
            return ByteCount(overflow ? .max : Int64(clamping: product))
        }
        return .measured(
            DiskSpace(
                free: size(UInt64(status.f_bavail)),
                total: size(UInt64(status.f_blocks)),
                freeInodes: UInt64(status.f_favail),
                totalInodes: UInt64(status.f_files)
            )
        )
    }
}
