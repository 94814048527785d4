/// How a container's first process ended, as the kernel tells it.
package enum ProcessEnd: Sendable, Hashable {
    case exited(code: Int)
    case signalled(Int)
    /// The kernel does not tell: ask the engine.
    case unknown

    /// The code that the engine reports for such an end, 128 and the signal's number for a signal; `nil` where unknown.
    package var exitCode: Int? {
        switch self {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        case .unknown: nil
        }
    }

    /// Reads a status as wait(2) gives it.
    ///
    /// - Parameter waitStatus: The exit code in the second byte, or a signal in the lower seven bits of the first, whose
    ///   highest bit says that a core was dumped.
    init(waitStatus: Int32) {
        let signal = Int(waitStatus & 0x7F)
        switch signal {
        case 0 where waitStatus & 0x80 == 0: self = .exited(code: Int(waitStatus >> 8 & 0xFF))
        // A stop, which is no end.
        case 0, 0x7F: self = .unknown
        default: self = .signalled(signal)
        }
    }
}
