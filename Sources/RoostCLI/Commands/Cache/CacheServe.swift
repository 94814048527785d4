import ArgumentParser
import Foundation
import Pipeline
import RegistryCache
import RoostCore

/// `roost cache serve`.
struct CacheServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve images on a loopback port, and fetch what is missing once.",
        discussion: """
            A registry that only reads. The engine uses it for Docker Hub's images where daemon.json names it among its \
            registry-mirrors ('roost cache install' sees to that); containerd and BuildKit by a hosts.toml, and Podman and \
            skopeo by a path: 127.0.0.1:5555/quay.io/org/image. Only the registries that are configured are ever asked.

            What was pulled once is served from the disk, also while its registry is down. A tag is asked for again when it is \
            older than --fresh-for. The folder never takes more than --max-size: what was used longest ago goes first.

            The access log goes to standard output, a line a request; everything else to standard error. It ends at \
            SIGTERM or Ctrl-C, when what is being sent has been sent.

            Also settings: the table [cache] of config.toml, and ROOST_CACHE_LISTEN, ROOST_CACHE_DIR, ROOST_CACHE_MAX_SIZE, \
            ROOST_CACHE_MIN_FREE, ROOST_CACHE_FRESH_FOR.

            EXAMPLE
              roost cache serve
              roost cache serve --listen 127.0.0.1:6000 --dir /srv/cache --max-size 50gb
              roost cache serve --upstream docker.io=https://mirror.corp
            """
    )

    @Option(
        help: ArgumentHelp("Where to listen: a loopback address. Default 127.0.0.1:5555.", valueName: "address:port")
    )
    var listen: String?

    @Option(name: .customLong("dir"), help: ArgumentHelp("The folder that it keeps images in.", valueName: "folder"))
    var folder: String?

    @Option(
        help: ArgumentHelp(
            "The most that it takes of the disk, unfinished fills included. Default: the smaller of 20 GB and a fifth of the disk.",
            valueName: "size"
        )
    )
    var maxSize: String?

    @Option(help: ArgumentHelp("What it leaves free on the disk. Default 1 GiB.", valueName: "size"))
    var minFree: String?

    @Option(
        help: ArgumentHelp("How long a tag is served without asking its registry. Default 5m.", valueName: "duration")
    )
    var freshFor: String?

    @Option(
        help: ArgumentHelp(
            "A registry that may be asked, as NAME=URL; may be repeated. It adds to those of the settings.",
            valueName: "name=url"
        )
    )
    var upstream: [String] = []

    func run() async throws {
        let settings = try CacheSettings.load(
            CacheSettings.Given(
                listen: listen,
                folder: folder,
                maxSize: maxSize,
                minFree: minFree,
                freshFor: freshFor,
                upstreams: upstream
            )
        )
        DescriptorLimit.raise()
        let configuration = try Self.configuration(settings)
        let interruption = Interruption()
        try await SignalWatch.during(interruption) {
            let (notices, notice) = AsyncStream.makeStream(of: String.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await text in notices { await RoostCommandLine.complain(text) } }
                try await ImageCache.serve(
                    configuration,
                    environment: ProcessInfo.processInfo.environment,
                    until: interruption.stop,
                    access: { lines in
                        // Nobody reads it any more: images are served all the same.
                        try? OutputWriter.standardOutput.enqueue(lines)
                        try? await OutputWriter.standardOutput.flush()
                    },
                    report: { notice.yield($0) },
                    started: { _, address in
                        notice.yield(
                            "serving images on \(address) from \(configuration.folder), at most \(configuration.limits.maxSize)"
                        )
                    }
                )
                notice.finish()
                try await group.waitForAll()
            }
        }
    }

    private static func configuration(_ settings: CacheSettings) throws -> ImageCache.Configuration {
        let folder = URL(filePath: settings.folder, directoryHint: .isDirectory)
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw CacheFailure(
                description: "the folder \(settings.folder) can't be made: \(error.localizedDescription)"
            )
        }
        guard let cap = settings.maxSize ?? CacheSettings.standardCap(of: settings.folder) else {
            throw CacheFailure(description: "the disk of \(settings.folder) can't be looked at: set --max-size")
        }
        return ImageCache.Configuration(
            folder: settings.folder,
            address: settings.listen,
            limits: StoreLimits(maxSize: cap, minFree: settings.minFree),
            freshness: TagFreshness(lifetime: settings.freshFor),
            upstreams: settings.upstreams
        )
    }
}

/// The cache can't be served.
struct CacheFailure: ExitCoded, CustomStringConvertible {
    let description: String
    let exitCode: Int32 = 125
}

extension ContentStoreError: ExitCoded {
    var exitCode: Int32 { 125 }
}
