import ArgumentParser
import Foundation
import RegistryCache
import RoostCore

/// `roost cache install`.
struct CacheInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Start the cache with this machine, and have the engine use it.",
        discussion: """
            Writes and starts a systemd unit, roost-cache.service, and names the cache among the registry-mirrors of the \
            engine's daemon.json, before those that are there. All else in the file stays as it is, and a copy is kept. \
            dockerd checks the new file before it takes the old one's place, is told to read it without a restart, and is \
            asked whether it uses the mirror; where it does not, the old file is put back.

            Calling it again changes nothing, or what has come to differ. Without systemd, start 'roost cache serve' by what \
            starts services there, and give --no-service. Needs root.

            The exit code is 2 where something forbids the installation, and 125 where something failed.

            EXAMPLE
              sudo roost cache install
              sudo roost cache install --max-size 50gb --listen 127.0.0.1:6000
              roost cache install --check --format json | jq '.actions[] | select(.action != "keep")'
            """
    )

    @Option(help: ArgumentHelp("Where the cache listens; an address of this machine alone.", valueName: "address:port"))
    var listen = ListenAddress.standard.description

    @Option(help: ArgumentHelp("The most that the cache may take of the disk, such as 50gb.", valueName: "size"))
    var maxSize: String?

    @Option(help: ArgumentHelp("What the cache leaves free on the disk, such as 5gb.", valueName: "size"))
    var minFree: String?

    @Option(
        help: ArgumentHelp(
            "A registry that the cache may ask, as NAME=URL; may be repeated.",
            valueName: "name=url"
        )
    )
    var upstream: [String] = []

    @OptionGroup var options: CacheInstallOptions

    func run() async throws { try await options.install(try unit()) }

    /// - Throws: ``UsageError``.
    private func unit() throws -> CacheUnit {
        let listener: ListenAddress
        do {
            listener = try ListenAddress(parsing: listen)
        } catch {
            throw UsageError(description: "--listen: \(error)")
        }
        guard listener.port != 0 else {
            throw UsageError(description: "--listen: the engine has to be told of a port, and 0 means any")
        }
        var arguments: [String] = []
        for (name, text) in [("--max-size", maxSize), ("--min-free", minFree)] {
            guard let text else { continue }
            guard let size = ByteCount(parsing: text), size.bytes > 0 else {
                throw UsageError(
                    description: "\(name): expected a size such as 20gb, found \(PrintableText.quoted(text, limit: 40))"
                )
            }
            arguments += [name, size.written]
        }
        for text in upstream {
            try check(upstream: text)
            arguments += ["--upstream", text]
        }
        return CacheUnit(program: try Self.program(), listener: listener, arguments: arguments)
    }

    /// A unit that can't start is found out here, not at the next boot.
    private func check(upstream text: String) throws {
        do {
            _ = try UpstreamFlag(parsing: text)
        } catch {
            throw UsageError(description: "--upstream: \(error)")
        }
    }

    /// The roost that runs now.
    private static func program() throws -> String {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            throw UsageError(description: "which program this is can't be told without /proc: mount it")
        }
    }
}

/// `roost cache uninstall`.
struct CacheUninstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Undo 'roost cache install'.",
        discussion: """
            The engine forgets the mirror, without a restart, and its daemon.json is what it was before, byte for byte; where \
            somebody has changed it since, only the mirror is taken out. Then the cache's unit is stopped and removed.

            What the cache has stored stays: 'systemctl clean --what=cache,state roost-cache.service' before, or \
            'rm -r /var/cache/private/roost-cache' afterwards, removes it. Needs root.

            EXAMPLE
              sudo roost cache uninstall
              roost cache uninstall --check
            """
    )

    @OptionGroup var options: CacheInstallOptions

    func run() async throws { try await options.uninstall() }
}
