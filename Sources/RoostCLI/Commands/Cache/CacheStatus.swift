import ArgumentParser
import Foundation
import RegistryCache

/// `roost cache status`.
struct CacheStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell how full the cache is, what it has spared, and how its registries are.",
        discussion: """
            Counts of requests and bytes are since the folder was made; those of a registry since the cache was started. \
            The JSON's schema is roost.cache.status/1.

            EXAMPLE
              roost cache status
              roost cache status --format json | jq '.size.used, .requests.saved_bytes'
            """
    )

    @OptionGroup var options: CacheControlOptions

    func run() async throws {
        let status = try await options.ask { try await $0.document(CacheStatusDocument.self, .status) }
        try await options.write(status, CacheText.status(status))
    }
}

/// `roost cache ls`.
struct CacheList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List what is stored, in the order in which it would go.",
        discussion: """
            The least recently used comes first. What is pinned, or needed by a run, does not go; what belongs to an image \
            that was asked for lately goes last. The JSON's schema is roost.cache.ls/1.

            EXAMPLE
              roost cache ls
              roost cache ls --limit 20
              roost cache ls --format json | jq -r '.entries[] | select(.tags != []) | .tags[]'
            """
    )

    @Option(help: ArgumentHelp("At most how many.", valueName: "count"))
    var limit: Int?

    @OptionGroup var options: CacheControlOptions

    func run() async throws {
        if let limit, limit < 1 { throw UsageError(description: "--limit: expected a number from 1 on") }
        let list = try await options.ask {
            try await $0.document(CacheListDocument.self, .list(limit: limit ?? .max))
        }
        try await options.write(list, CacheText.list(list))
    }
}

/// `roost cache gc`.
struct CacheCollect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Free what is over the limits, or as much as is asked for, and explain it.",
        discussion: """
            Each candidate is told with the reason for which it goes or stays. The cache does the same by itself whenever it \
            needs room: call it to free more, or with --dry-run to see what would go. The JSON's schema is roost.cache.gc/1.

            EXAMPLE
              roost cache gc --dry-run --free 5gb
              roost cache gc --free 5gb
            """
    )

    @Option(help: ArgumentHelp("How much to free. Default: what is over the limits.", valueName: "size"))
    var free: String?

    @Flag(help: "Only say what would go.")
    var dryRun = false

    @OptionGroup var options: CacheControlOptions

    func run() async throws {
        let bytes = try CacheControlOptions.size(free, "--free")
        let done = try await options.ask {
            try await $0.document(CacheCollectionDocument.self, .collect(bytes: bytes, dryRun: dryRun))
        }
        try await options.write(done, CacheText.collection(done))
        guard done.suffices else { throw ExitCode(1) }
    }
}
