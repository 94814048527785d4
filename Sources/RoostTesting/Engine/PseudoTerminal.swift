import Foundation
import NIOCore
import NIOPosix
import SystemPackage

/// A terminal without a screen, for a program under test.
struct PseudoTerminal: Sendable {
    /// The system gave no terminal.
    struct Unavailable: Error, CustomStringConvertible {
        let call: String
        let code: Int32
        var description: String { "no terminal for the test: \(call) failed with \(Errno(rawValue: code))" }
    }

    /// The program's side.
    let slave: SystemPackage.FileDescriptor
    private let master: Int32
    private let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

    static func with<Result: Sendable>(
        size: RoostProcess.TerminalSize,
        _ body: @Sendable (PseudoTerminal) async throws -> Result
    ) async throws -> Result {
        let (master, slave) = try open(size)
        let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
        do {
            channel = try await NIOPipeBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .takingOwnershipOfDescriptor(inputOutput: master) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            try? slave.close()
            throw error
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(PseudoTerminal(slave: slave, master: master, inbound: inbound, outbound: outbound))
        }
    }

    /// Hands over what the program writes, until it and its children have closed their side.
    func readToEnd(_ receive: ([UInt8]) -> Void) async throws {
        do {
            for try await chunk in inbound { receive(Array(buffer: chunk)) }
        } catch let error as IOError where error.errnoCode == EIO {
            // That is how Linux says that nobody holds the other side any more.
        }
    }

    func write(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    func resize(to size: RoostProcess.TerminalSize) throws { try Self.resize(master, to: size) }

    private static func open(_ size: RoostProcess.TerminalSize) throws -> (Int32, SystemPackage.FileDescriptor) {
        var master: Int32 = -1
        var slave: Int32 = -1
        guard openpty(&master, &slave, nil, nil, nil) == 0 else { throw Unavailable(call: "openpty", code: errno) }
        do {
            // Other tests' programs must not hold this terminal open.
            for descriptor in [master, slave] where fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 {
                throw Unavailable(call: "fcntl", code: errno)
            }
            try resize(master, to: size)
            return (master, SystemPackage.FileDescriptor(rawValue: slave))
        } catch {
            close(master)
            close(slave)
            throw error
        }
    }

    private static func resize(_ master: Int32, to size: RoostProcess.TerminalSize) throws {
        var window = winsize()
        window.ws_row = UInt16(size.rows)
        window.ws_col = UInt16(size.columns)
        guard ioctl(master, UInt(TIOCSWINSZ), &window) == 0 else {
            throw Unavailable(call: "ioctl TIOCSWINSZ", code: errno)
        }
    }
}
