/// The systemd unit that runs the cache. `packaging/systemd/roost-cache.service` is its text with all left at the
/// standard, which a test holds.
package struct CacheUnit: Hashable, Sendable {
    package static let name = "roost-cache.service"
    /// The folder of the blobs, as systemd makes it for the unit (`CacheDirectory=`).
    package static let cacheFolder = "/var/cache/roost-cache"
    /// The unit's first line, by which it is known for Roost's own before it is replaced or removed.
    static let mark = "# Written by 'roost cache install'. Put changes of your own into: systemctl edit roost-cache"

    /// The absolute path of roost.
    package let program: String
    package let listener: ListenAddress
    /// Further arguments of `roost cache serve`.
    package let arguments: [String]

    package init(program: String = "/usr/bin/roost", listener: ListenAddress = .standard, arguments: [String] = []) {
        self.program = program
        self.listener = listener
        self.arguments = arguments
    }

    /// What the unit starts.
    package var command: [String] {
        [program, "cache", "serve", "--listen", listener.description, "--dir", Self.cacheFolder] + arguments
    }

    /// The same for a machine without systemd, which makes no folder for it.
    package var portableCommand: [String] {
        [program, "cache", "serve", "--listen", listener.description] + arguments
    }

    /// Whether a unit's file is one that Roost wrote.
    package static func isOwn(_ text: [UInt8]) -> Bool { text.starts(with: mark.utf8) }

    /// Whether the unit could start this program: it sees no home folder, and a `/tmp` of its own.
    package static func hides(_ program: String) -> Bool {
        ["/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"].contains { program.hasPrefix($0) }
    }

    package var text: String {
        """
        \(Self.mark)
        [Unit]
        Description=Roost image cache
        Wants=network-online.target
        After=network-online.target
        Before=docker.service

        [Service]
        Type=exec
        ExecStart=\(command.map(Self.quoted).joined(separator: " "))
        Restart=on-failure
        RestartSec=2s
        TimeoutStopSec=30s
        LimitNOFILE=65536

        # A user of its own that exists while the unit runs, and three folders that are all it can write to.
        DynamicUser=yes
        CacheDirectory=roost-cache
        CacheDirectoryMode=0700
        StateDirectory=roost-cache
        StateDirectoryMode=0700
        RuntimeDirectory=roost-cache
        RuntimeDirectoryMode=0700
        UMask=0077

        NoNewPrivileges=yes
        CapabilityBoundingSet=
        AmbientCapabilities=
        ProtectSystem=strict
        ProtectHome=yes
        PrivateTmp=yes
        PrivateDevices=yes
        PrivateUsers=yes
        ProtectClock=yes
        ProtectControlGroups=yes
        ProtectHostname=yes
        ProtectKernelLogs=yes
        ProtectKernelModules=yes
        ProtectKernelTunables=yes
        ProtectProc=invisible
        RemoveIPC=yes
        KeyringMode=private
        LockPersonality=yes
        MemoryDenyWriteExecute=yes
        RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        SystemCallArchitectures=native
        SystemCallFilter=@system-service
        SystemCallFilter=~@privileged @resources
        SystemCallErrorNumber=EPERM

        [Install]
        WantedBy=multi-user.target

        """
    }

    /// An argument as `ExecStart=` wants it (systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers").
    static func quoted(_ argument: String) -> String {
        var text = ""
        for scalar in argument.unicodeScalars {
            switch scalar {
            case "%": text += "%%"
            case "$": text += "$$"
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        let isPlain =
            !argument.isEmpty
            && argument.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "/._:=[]-+@,%$".utf8.contains(byte)
            }
        return isPlain ? text : "\"\(text)\""
    }
}
