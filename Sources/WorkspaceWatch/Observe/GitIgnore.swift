import Foundation
import RoostCore
import Subprocess

/// Asks git what it ignores, with all of its files of patterns and for all of their rules.
///
/// Where there is no git, no repository, or no answer in time, nothing is ignored: watching too much costs a run, watching too
/// little costs the trust in it.
package struct GitIgnore: Sendable {
    private let root: String
    private let patience: Duration

    private static let largestAnswer = 16 << 20

    /// - Parameters:
    ///   - root: The workspace.
    ///   - patience: How long git may take for an answer.
    package init(root: String, patience: Duration = .seconds(5)) {
        self.root = root
        self.patience = patience
    }

    /// What is there and ignored, below the workspace; of a folder that is ignored as a whole only the folder itself.
    package func present() async -> Set<String> {
        await ask(["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"], [])
    }

    /// Those of some paths that are ignored, whether or not they are there.
    package func ignored(among paths: [String]) async -> Set<String> {
        // The empty path, which stands for everything, is none to git.
        let paths = paths.filter { !$0.isEmpty }
        if paths.isEmpty { return [] }
        return await ask(["check-ignore", "--stdin", "-z"], Array(paths.joined(separator: "\0").utf8) + [0])
    }

    private func ask(_ arguments: [String], _ input: [UInt8]) async -> Set<String> {
        // A repository's own settings must not start programs here.
        let all = ["-c", "core.fsmonitor=false", "-C", root] + arguments
        let answer = try? await withDeadline(patience, "git \(arguments[0])") {
            try await Subprocess.run(
                .name("git"),
                arguments: Arguments(all),
                environment: .inherit.updating(["GIT_OPTIONAL_LOCKS": "0"]),
                input: .inputWriter,
                output: .bytes(limit: Self.largestAnswer),
                error: .discarded
            ) { git in
                // Where there is no repository git ends without reading. Then the write fails, and the status says the rest.
                // The writer has to be finished in any case: swift-subprocess 1.0 traps on one that isn't.
                _ = try? await git.standardInputWriter.write(input)
                try await git.standardInputWriter.finish()
            }
        }
        guard let answer, answer.terminationStatus.isSuccess else { return [] }
        let names = answer.standardOutput.split(separator: 0).map { name in
            String(decoding: name.last == UInt8(ascii: "/") ? name.dropLast() : name, as: UTF8.self)
        }
        return Set(names)
    }
}
