package import DockerEngine
package import NIOCore

/// Tells a command's output from what its gate printed before.
///
/// The gate ends its own part of each stream with a line that is its nonce. Works as well on the container's log, read
/// from its begin: there it tells afterwards whether the command was ever begun.
package struct GateOutput: Sendable {
    private enum Part: Sendable {
        /// The gate's; the bytes that may be the begin of the mark.
        case gate(ByteBuffer)
        case command
    }

    private let mark: [UInt8]
    private var parts: [LogFrame.Stream: Part] = [:]

    /// The first of what the gate printed beside its marks, such as a message that there is no shell; for people.
    package private(set) var remarks = ByteBuffer()
    private static let maximumRemarks = 4096

    /// True once a mark has been seen: the command has begun, or could not be executed for a reason of its own.
    package private(set) var hasCommandBegun = false

    package init(_ gate: ContainerGate) {
        mark = Array("\(gate.nonce)\n".utf8)
    }

    /// Takes the next frames of the container's output.
    ///
    /// - Parameter frames: As they came.
    /// - Returns: The command's, in the same order.
    package mutating func commandFrames(in frames: [LogFrame]) -> [LogFrame] {
        frames.compactMap { frame in
            guard case .gate(var pending) = parts[frame.stream, default: .gate(ByteBuffer())] else { return frame }
            pending.writeImmutableBuffer(frame.bytes)
            let view = pending.readableBytesView
            guard let found = view.firstRange(of: mark) else {
                // All but the last bytes can't belong to the mark any more.
                let kept = min(pending.readableBytes, mark.count - 1)
                remark(pending.readSlice(length: pending.readableBytes - kept))
                parts[frame.stream] = .gate(ByteBuffer(pending.readableBytesView))
                return nil
            }
            hasCommandBegun = true
            remark(pending.readSlice(length: view.distance(from: view.startIndex, to: found.lowerBound)))
            pending.moveReaderIndex(forwardBy: mark.count)
            parts[frame.stream] = .command
            return pending.readableBytes > 0 ? LogFrame(stream: frame.stream, bytes: pending) : nil
        }
    }

    /// To be called at the output's end: what was held back because it might have been a mark's begin is a remark.
    package mutating func finish() {
        for (stream, part) in parts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            guard case .gate(let pending) = part else { continue }
            remark(pending)
            parts[stream] = .gate(ByteBuffer())
        }
    }

    private mutating func remark(_ bytes: ByteBuffer?) {
        guard var bytes,
            let slice = bytes.readSlice(
                length: min(bytes.readableBytes, Self.maximumRemarks - remarks.readableBytes)
            )
        else { return }
        remarks.writeImmutableBuffer(slice)
    }
}
