import CProcessDescriptor
import Dispatch
import Foundation
import RoostCore
import Synchronization

/// Notices the exits of any number of processes, which need not be children of this one.
///
/// One kernel set of descriptors, itself a descriptor that Dispatch watches: no thread waits. Each process's descriptor is
/// in the set from its opening on, so that no exit is missed however late somebody asks for it.
package final class ExitWatch: Sendable {
    /// What is known of one process.
    final class Process: Sendable {
        let token: UInt64
        let isOver = Latch()
        private let state: Mutex<(descriptor: Int32?, end: ProcessEnd)>

        init(token: UInt64, descriptor: Int32) {
            self.token = token
            state = Mutex((descriptor, .unknown))
        }

        deinit { close() }

        var end: ProcessEnd { state.withLock { $0.end } }

        /// Reads how the process ended and closes its descriptor, unless it has not been reaped yet.
        ///
        /// - Returns: Whether it is over.
        func read() -> Bool {
            state.withLock { state in
                guard let descriptor = state.descriptor else { return true }
                let reading = ExitReading {
                    var status: Int32 = 0
                    return process_descriptor_exit_status(descriptor, &status) == 1 ? status : nil
                } isReaped: {
                    process_descriptor_is_reaped(descriptor) != 0
                }
                guard case .over(let end) = reading else { return false }
                state.end = end
                _ = process_descriptor_close(descriptor)
                state.descriptor = nil
                return true
            }
        }

        func close() {
            state.withLock { state in
                if let descriptor = state.descriptor.take() { _ = process_descriptor_close(descriptor) }
            }
        }
    }

    /// The set and what is in it; outlives the watch until Dispatch has let go of it.
    private final class Members: Sendable {
        /// Below zero where the system has no such sets.
        let set = process_set_create()
        private let processes = Mutex<(next: UInt64, byToken: [UInt64: Process])>((0, [:]))

        deinit { if set >= 0 { _ = process_descriptor_close(set) } }

        func insert(_ descriptor: Int32) -> Process? {
            processes.withLock { processes in
                processes.next += 1
                let process = Process(token: processes.next, descriptor: descriptor)
                processes.byToken[process.token] = process
                guard process_set_add(set, descriptor, process.token) == 0 else {
                    processes.byToken[process.token] = nil
                    return nil
                }
                return process
            }
        }

        func remove(_ process: Process) {
            // Closing takes it out of the set. An event that is on its way finds nothing.
            processes.withLock { _ = $0.byToken.removeValue(forKey: process.token) }
            process.close()
        }

        func handleNews() {
            var tokens = [UInt64](repeating: 0, count: 16)
            while true {
                let count = Int(process_set_next(set, &tokens, Int32(tokens.count)))
                guard count > 0 else { return }
                for token in tokens.prefix(count) {
                    let process = processes.withLock { $0.byToken[token] }
                    guard let process, process.read() else { continue }
                    remove(process)
                    process.isOver.open()
                }
            }
        }
    }

    private let members = Members()
    private let source: Mutex<(any DispatchSourceRead)?>

    package init() {
        guard members.set >= 0 else {
            source = Mutex(nil)
            return
        }
        let queue = DispatchQueue(label: "dev.roost.exits", qos: .userInitiated)
        let source = DispatchSource.makeReadSource(fileDescriptor: members.set, queue: queue)
        source.setEventHandler { [members] in members.handleNews() }
        // The set may be closed only when Dispatch has let go of it.
        source.setCancelHandler { [members] in withExtendedLifetime(members) {} }
        source.activate()
        self.source = Mutex(source)
    }

    deinit { source.withLock { $0?.cancel() } }

    /// Opens a process by its number.
    ///
    /// - Parameters:
    ///   - number: As the engine gives it.
    ///   - container: The full ID of the container that it must be the first process of.
    /// - Returns: The process; `nil` where there is none by that number, where it is not the container's first, and where
    ///   the kernel or a lack of permission does not let it be followed.
    package func open(_ number: Int, of container: String) -> FirstProcess? {
        open(number) {
            guard let groups = KernelFile.text(of: "/proc/\(number)/cgroup"),
                let status = KernelFile.text(of: "/proc/\(number)/status")
            else {
                return false
            }
            return ProcessIdentity.isFirst(of: container, controlGroups: groups, status: status)
        }
    }

    // What `isTheOne` finds counts only if the process can't have gone meanwhile: it is asked while the descriptor is
    // open, and the process must not have been reaped after that.
    func open(_ number: Int, isTheOne: () -> Bool = { true }) -> FirstProcess? {
        guard members.set >= 0, let pid = Int32(exactly: number), pid > 0 else { return nil }
        let descriptor = process_descriptor_open(pid)
        guard descriptor >= 0 else { return nil }
        var status: Int32 = 0
        guard process_descriptor_exit_status(descriptor, &status) == 0, isTheOne(),
            process_descriptor_is_reaped(descriptor) == 0
        else {
            _ = process_descriptor_close(descriptor)
            return nil
        }
        return members.insert(descriptor).map { FirstProcess(number: number, watch: self, process: $0) }
    }

    func forget(_ process: Process) { members.remove(process) }

}
