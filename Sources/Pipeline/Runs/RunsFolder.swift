package import Foundation
package import RoostCore

/// What earlier runs left in a project: `.roost/runs`, a folder a run.
///
/// Steps can write there, so nothing in it is trusted: only names of runs are looked at, no link is followed, and only
/// regular files of a bounded size are read.
package struct RunsFolder: Sendable {
    static let reportName = "report.json"
    static let ownerName = "owner"
    /// A report holds the last lines of each step, which are long at worst.
    private static let largestReport = 64 << 20
    private static let largestOwner = 4096

    let folder: OpenFolder

    /// Opens the folder; `nil` where no run has left anything.
    ///
    /// - Parameter project: The project folder; the path to it may hold links.
    /// - Throws: ``RunsUnreadable``, also where a link or a file is in its place.
    package init?(project: String) throws(RunsUnreadable) {
        do {
            let top = try OpenFolder.open(trusted: project)
            folder = try top.folder(EntryName(".roost")).folder(EntryName("runs"))
        } catch {
            if error.code == ENOENT { return nil }
            throw RunsUnreadable(folder: "\(project)/.roost/runs", problem: error.description)
        }
    }

    /// The names of the runs, in no order.
    ///
    /// - Throws: ``RunsUnreadable``.
    package func ids() throws(RunsUnreadable) -> [RunID] {
        do {
            let names = try folder.entries().filter(\.mayBeFolder).map {
                String(decoding: $0.name.bytes, as: UTF8.self)
            }
            return names.compactMap { RunID(parsing: $0) }
        } catch {
            throw RunsUnreadable(folder: ".roost/runs", problem: error.description)
        }
    }

    /// What is known of all runs, the newest first.
    ///
    /// - Throws: ``RunsUnreadable``.
    package func entries(
        processes: some ProcessFacts = SystemProcesses(),
        now: Date = Date()
    ) throws(RunsUnreadable) -> [RunEntry] {
        try ids().compactMap { entry($0, processes: processes, now: now) }.sorted { $1.isOlder(than: $0) }
    }

    /// What is known of a run; `nil` where it has no folder.
    package func entry(_ id: RunID, processes: some ProcessFacts = SystemProcesses(), now: Date = Date()) -> RunEntry? {
        guard let run = try? folder.folder(EntryName(id.description)) else { return nil }
        do {
            if let bytes = try run.content(of: EntryName(Self.reportName), upTo: Self.largestReport) {
                let report = try RunReportDecoder.decode(bytes)
                guard report.runID == id.description else {
                    return RunEntry(id: id, state: .unreadable("it is the report of another run"))
                }
                return RunEntry(id: id, state: .ended(report))
            }
        } catch {
            return RunEntry(id: id, state: .unreadable("\(error)"))
        }
        let text = (try? run.content(of: EntryName(Self.ownerName), upTo: Self.largestOwner)) ?? nil
        let owner = text.flatMap { String(validating: $0, as: UTF8.self) }
            .flatMap { OwnerIdentity(parsing: $0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        return RunEntry(
            id: id,
            state: RunEntry.unreported(id, owner: owner, isAlive: { $0.isAlive(by: processes) }, now: now)
        )
    }

    /// The report of the latest run that has one and that `isWanted`; `nil` where there is none.
    ///
    /// - Throws: ``RunsUnreadable``.
    package func latest(where isWanted: (RunReport) -> Bool) throws(RunsUnreadable) -> RunReport? {
        try entries().lazy.compactMap(\.report).first(where: isWanted)
    }

    /// Removes what a run left, and nothing that a link in it leads to.
    ///
    /// - Parameter id: The run; that it has ended is the caller's to know.
    /// - Returns: What is in the way, a line each; empty where all has gone.
    package func remove(_ id: RunID) -> [String] {
        do {
            let name = EntryName(id.description)
            let candidate = WipeCandidate(WorkspacePath(id.description), try folder.status(of: name))
            let removal = try WipeRemoval(root: folder, protected: .nothing)
            return removal.remove(candidate).map { ".roost/runs/\($0.path): \($0.reason.description)" }
        } catch {
            return error.code == ENOENT ? [] : [".roost/runs/\(id): \(error)"]
        }
    }

    /// Removes the runs that a rule leaves no room for, looking at each once more just before.
    ///
    /// - Parameters:
    ///   - retention: The rule.
    ///   - now: The time that ages are counted from.
    /// - Returns: What went, and what could not go.
    /// - Throws: ``RunsUnreadable``.
    package func tidy(_ retention: RunRetention, now: Date = Date()) throws(RunsUnreadable) -> RunsRemoval {
        remove(all: retention.excess(of: try entries(now: now), now: now), now: now)
    }

    /// ``tidy(_:now:)`` away from the threads that all tasks share.
    package func tidied(_ retention: RunRetention) async throws(RunsUnreadable) -> RunsRemoval {
        try await FileWork.run { () -> Result<RunsRemoval, RunsUnreadable> in
            do throws(RunsUnreadable) {
                return .success(try tidy(retention))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    /// Removes runs, but for those that go on.
    package func remove(all ids: [RunID], now: Date = Date()) -> RunsRemoval {
        var removal = RunsRemoval()
        for id in ids {
            guard entry(id, now: now)?.isGoingOn != true else { continue }
            let problems = remove(id)
            if problems.isEmpty { removal.removed.append(id) }
            removal.problems += problems
        }
        return removal
    }
}

/// What became of runs that were to go.
package struct RunsRemoval: Hashable, Sendable {
    package var removed: [RunID] = []
    /// What is in the way, a line each.
    package var problems: [String] = []

    package init() {}
}

/// The folder of the runs can't be looked into.
package struct RunsUnreadable: Error, Hashable, CustomStringConvertible {
    package let folder: String
    package let problem: String

    package var description: String { "\(folder) can't be looked into: \(problem)" }
}

extension OpenFolder {
    /// What a regular file holds; `nil` where nothing has this name.
    ///
    /// - Throws: ``RunFileProblem`` for anything but a regular file, one that is too large, or what the system says.
    func content(of name: EntryName, upTo limit: Int) throws(RunFileProblem) -> [UInt8]? {
        let file: FileHandle
        do {
            file = try regularFile(name)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
        do {
            let data = try file.read(upToCount: limit + 1) ?? Data()
            guard data.count <= limit else { throw RunFileProblem("it is too large") }
            return Array(data)
        } catch let problem as RunFileProblem {
            throw problem
        } catch {
            throw RunFileProblem(error.localizedDescription)
        }
    }

    /// Opens a regular file; the descriptor goes with the handle.
    ///
    /// - Throws: ``RunFileProblem`` for anything else, a link included.
    func regularFile(_ name: EntryName) throws(RunFileProblem) -> FileHandle {
        // Opening a pipe must not wait for somebody who writes.
        let file = name.withCString { openat(descriptor, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard file >= 0 else {
            let code = errno
            throw RunFileProblem(code == ELOOP ? "it is a link" : String(cString: strerror(code)), code: code)
        }
        let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RunFileProblem("it is no regular file")
        }
        return handle
    }
}

/// A file of a run that can't be used.
struct RunFileProblem: Error, Hashable, CustomStringConvertible {
    let description: String
    /// The operating system's, where it said one.
    let code: Int32?

    init(_ description: String, code: Int32? = nil) {
        self.description = description
        self.code = code
    }
}
