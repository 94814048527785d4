import ArgumentParser
import OCIDistribution
import RegistryCache

/// `roost cache pin`.
struct CachePin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin",
        abstract: "Fetch an image, and keep it whatever room is needed.",
        discussion: """
            What the reference leads to now is kept, until 'roost cache unpin' of the same reference: a tag that moves is \
            pinned anew by calling this again. The exit code is 125 where the image could not be fetched whole; what is \
            there of it is kept all the same. The JSON's schema is roost.cache.pin/1.

            EXAMPLE
              roost cache pin debian:12
              roost cache unpin debian:12
            """
    )

    @Argument(help: "The image.")
    var image: String

    @Option(help: ArgumentHelp("Which platform's image to fetch. Default: this machine's.", valueName: "os/arch"))
    var platform: String?

    @OptionGroup var options: CacheControlOptions

    func run() async throws {
        let route = ControlRoute.pin(
            try CacheControlOptions.image(image),
            try CacheControlOptions.platform(platform)
        )
        let done = try await options.ask { client in
            try await client.document(CachePinDocument.self, route) { try await options.tell($0) }
        }
        try await options.write(done, CacheText.pin(done))
        guard done.image.error == nil else { throw ExitCode(125) }
    }
}

/// `roost cache unpin`.
struct CacheUnpin: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpin",
        abstract: "Let a pinned image go when room is needed.",
        discussion: """
            'roost cache ls' lists the pins. The exit code is 1 where there was no such pin. The JSON's schema is \
            roost.cache.unpin/1.

            EXAMPLE
              roost cache unpin debian:12
            """
    )

    @Argument(help: "The image, as it was pinned.")
    var image: String

    @OptionGroup var options: CacheControlOptions

    func run() async throws {
        let route = ControlRoute.unpin(try CacheControlOptions.image(image))
        let done = try await options.ask { try await $0.document(CacheUnpinDocument.self, route) }
        try await options.write(done, CacheText.unpin(done))
        guard done.wasPinned else { throw ExitCode(1) }
    }
}

/// `roost cache prefetch`.
struct CachePrefetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prefetch",
        abstract: "Bring images into the cache before somebody asks for them.",
        discussion: """
            Only the manifests and blobs of one platform are fetched, and only those that are missing. Interrupted, what is \
            being filled is filled to its end. The exit code is 125 where an image is not whole in the cache. The JSON's \
            schema is roost.cache.prefetch/1.

            EXAMPLE
              roost cache prefetch debian:12 quay.io/org/app:1
              roost cache prefetch --platform linux/arm64 alpine:3
            """
    )

    @Argument(help: "The images.")
    var images: [String]

    @Option(help: ArgumentHelp("Which platform's images. Default: this machine's.", valueName: "os/arch"))
    var platform: String?

    @OptionGroup var options: CacheControlOptions

    func run() async throws {
        let route = ControlRoute.prefetch(
            try images.map(CacheControlOptions.image),
            try CacheControlOptions.platform(platform)
        )
        let done = try await options.ask { client in
            try await client.document(CachePrefetchDocument.self, route) { try await options.tell($0) }
        }
        try await options.write(done, CacheText.prefetch(done))
        guard done.images.allSatisfy({ $0.error == nil }) else { throw ExitCode(125) }
    }
}

/// `roost cache verify`.
struct CacheVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read again all that is stored; put aside what is damaged, and fetch it again.",
        discussion: """
            Each file is compared with its digest, those first that were read again the longest ago. A damaged one is \
            quarantined, which a 'gc' removes first. The exit code is 1 where something was damaged, 125 where it could not \
            be fetched again. The JSON's schema is roost.cache.verify/1.

            EXAMPLE
              roost cache verify
              roost cache verify --rate 50mb
            """
    )

    @Option(help: ArgumentHelp("At most how much is read a second. Default: no bound.", valueName: "size"))
    var rate: String?

    @OptionGroup var options: CacheControlOptions

    func run() async throws {
        let route = ControlRoute.verify(bytesPerSecond: try CacheControlOptions.size(rate, "--rate"))
        let done = try await options.ask { client in
            try await client.document(CacheVerificationDocument.self, route) { try await options.tell($0) }
        }
        try await options.write(done, CacheText.verification(done))
        if done.damaged.contains(where: { !$0.refetched }) { throw ExitCode(125) }
        if !done.damaged.isEmpty { throw ExitCode(1) }
    }
}
