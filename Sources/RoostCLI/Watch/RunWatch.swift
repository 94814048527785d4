import Foundation
import Pipeline
import RoostCore
import WorkspaceWatch

/// Runs a pipeline, and again whenever the workspace changes, until it is interrupted.
///
/// A change during a run waits until the run has ended. What is wrong with the file or the engine is told, and the next change
/// awaited: whoever watches mends it meanwhile.
struct RunWatch: Sendable {
    private let file: PipelineFileOptions
    private let root: String
    private let fileName: String
    private let reports: Set<String>
    private let interruption: Interruption

    /// The most changed paths that are named.
    private static let mostNamed = 3

    /// - Throws: ``UsageError`` where there is no pipeline to watch.
    init(file: PipelineFileOptions, reports: ReportOptions, interruption: Interruption) throws {
        let place = try file.locate()
        root = RunPreparation.projectFolder(ofFile: place)
        fileName = place.url.lastPathComponent
        self.file = file
        self.interruption = interruption
        let root = root
        self.reports = Set(
            [reports.report, reports.junit].compactMap { name in
                let path = name.map { ReportFile($0).url.resolvingSymlinksInPath().path(percentEncoded: false) } ?? ""
                return path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : nil
            }
        )
    }

    /// Refuses files that can be read only once, such as a shell's `<(…)`: every run reads them.
    ///
    /// - Parameter files: As the options name them: a path, or a name, `=` and a path.
    /// - Throws: ``UsageError``.
    static func refuse(readOnce files: [String]) throws {
        for file in files {
            let path = file.split(separator: "=", maxSplits: 1).last.map(String.init) ?? file
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { continue }
            throw UsageError(
                description: "--watch reads \(shown(path)) for every run, and it can be read only once: name a file"
            )
        }
    }

    /// - Parameter once: Runs the pipeline as it is now, and returns the run's exit code.
    /// - Returns: The exit code of what ended the watching.
    /// - Throws: ``UsageError`` where the project folder can't be watched, or `OutputError`.
    func run(_ once: () async throws -> Int32) async throws -> Int32 {
        let git = GitIgnore(root: root)
        var rules = await self.rules(git, after: WatchRules(pipelineFile: fileName))
        let watch = try watched { () throws(WatchFailure) in try WorkspaceWatch(root, rules: rules) }
        var book = ChangeBook()
        while true {
            book.beginRun()
            do {
                let code = try await once()
                if code == InterruptionCause.outputClosed.exitCode { return code }
            } catch let error as OutputError {
                throw error
            } catch {
                await RoostCommandLine.complain("\(error)")
            }
            // The run's containers are gone: what is in the kernel's queue by now has happened during the run.
            for change in try watched({ () throws(WatchFailure) in try watch.take() }) { book.take(change, at: .now) }
            let learned = book.endRun()
            if let cause = interruption.cause { return cause.exitCode }
            if !learned.isEmpty {
                try await say("changed by the runs themselves, so that it counts only between them: \(named(learned))")
            }
            rules = await self.rules(git, after: rules)
            try watched { () throws(WatchFailure) in try watch.use(rules) }
            if book.settlesAt == nil { try await say("waiting for changes in \(Self.shown(root)); Ctrl-C ends") }
            guard let changed = try await changes(watch, git, &book) else {
                return interruption.cause?.exitCode ?? InterruptionCause.interrupt.exitCode
            }
            try await say("changed: \(named(changed)); running again")
        }
    }

    /// - Returns: `nil` where the run is interrupted first.
    private func changes(_ watch: WorkspaceWatch, _ git: GitIgnore, _ book: inout ChangeBook) async throws -> [String]?
    {
        while true {
            for change in try watched({ () throws(WatchFailure) in try watch.take() }) { book.take(change, at: .now) }
            let settlesAt = book.settlesAt
            if let settlesAt, settlesAt <= .now {
                let pending = book.takePending()
                let ignored = await git.ignored(among: pending)
                let counting = pending.filter { $0 == fileName || !ignored.contains($0) }
                if !counting.isEmpty { return counting }
            } else {
                _ = try await interruption.stop.cancelling { await watch.waitForNews(until: settlesAt) }
            }
            if interruption.stop.isOpen { return nil }
        }
    }

    /// What git and the file say by now; where the file is broken, what it said before holds.
    private func rules(_ git: GitIgnore, after before: WatchRules) async -> WatchRules {
        var rules = before
        rules.reports = reports
        rules.ignoredByGit = await git.present()
        if let wipe = try? file.check().pipeline?.workspace.wipe { rules.wipe = wipe }
        return rules
    }

    private func watched<Value>(_ body: () throws(WatchFailure) -> Value) throws -> Value {
        do throws(WatchFailure) {
            return try body()
        } catch {
            throw UsageError(description: error.description)
        }
    }

    // MARK: - Words

    private func say(_ text: String) async throws {
        try OutputWriter.standardError.enqueue("roost: \(text)\n")
        try await OutputWriter.standardError.flush()
    }

    private func named(_ paths: [String]) -> String {
        var names = paths.prefix(Self.mostNamed).map { $0.isEmpty ? "more than the kernel could tell" : Self.shown($0) }
        if paths.count > names.count { names.append("\(paths.count - names.count) more") }
        return names.joined(separator: ", ")
    }

    private static func shown(_ path: String) -> String { PrintableText.oneLine(path, limit: 200) }
}
