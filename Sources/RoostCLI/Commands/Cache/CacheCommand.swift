import ArgumentParser

/// `roost cache`: the image cache beside the engine.
struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Have this machine pull each image from afar once.",
        discussion: """
            The cache is a registry on this machine's loopback address that fetches what it is asked for from the real one \
            and keeps it. The engine asks it first; where it does not answer, the engine goes to the real registry as before.

            EXAMPLE
              sudo roost cache install
              roost cache serve
              roost cache status
              roost cache prefetch debian:12 quay.io/org/app:1
              roost cache install --check
              sudo roost cache uninstall
            """,
        subcommands: [
            CacheServe.self, CacheStatus.self, CacheList.self, CachePrefetch.self, CachePin.self, CacheUnpin.self,
            CacheCollect.self, CacheVerify.self, CacheInstall.self, CacheUninstall.self,
        ]
    )
}
