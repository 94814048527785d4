import Foundation

/// What an installation is asked to bring about.
package struct InstallRequest: Hashable, Sendable {
    package let unit: CacheUnit
    /// Where units are kept.
    package let unitFolder: String
    /// Whether the unit is part of it, or the engine's configuration alone.
    package let managesService: Bool

    package init(unit: CacheUnit, unitFolder: String = "/etc/systemd/system", managesService: Bool = true) {
        self.unit = unit
        self.unitFolder = unitFolder
        self.managesService = managesService
    }

    package var unitPath: String { unitFolder + "/" + CacheUnit.name }
}

/// What is looked at before anything is decided.
package struct InstallFacts: Hashable, Sendable {
    /// The engine, as it is seen from here.
    package enum Engine: Hashable, Sendable {
        case running(Daemon, mirrors: [MirrorURL])
        /// It answers nobody; why, as a sentence.
        case unreachable(String)
        /// It answers, and is not a dockerd of this machine that can be told to read its file again.
        case unsuitable(Unsuitable)
    }

    package enum Unsuitable: Hashable, Sendable {
        case elsewhere(String)
        case notDocker(String)
        case unknownProcess(String)
        case ownNetwork(String)
    }

    /// The process that is told.
    package struct Daemon: Hashable, Sendable {
        package let pid: Int32
        /// In clock ticks since boot: with it no later process is mistaken for this one.
        package let startTime: UInt64?
        package let flags: DaemonFlags
        /// Its program, where that is still there.
        package let executable: String?
        /// What it says of itself, such as `20.10.24`.
        package let version: String
    }

    package enum Service: Hashable, Sendable {
        case noSystemd
        case systemd(unit: [UInt8]?, isEnabled: Bool, isActive: Bool)
    }

    package let engine: Engine
    /// The configuration's file, links followed.
    package let configurationPath: String
    /// `nil` where there is no file.
    package let configuration: [UInt8]?
    package let record: InstallRecord?
    /// What the file was before; `nil` where there is no copy.
    package let backup: [UInt8]?
    package let service: Service
}

/// What an installation has changed in the engine's configuration, kept beside it for as long as the change lasts.
package struct InstallRecord: Codable, Hashable, Sendable {
    /// `roost.cache-install/1`
    package let schema: String
    /// The mirror that Roost has put in.
    package let mirror: String
    /// The digest of the file that Roost wrote: as long as the file has it, nobody has changed it since.
    package let written: String
    /// Whether there was a file before.
    package let existed: Bool

    static let schemaName = "roost.cache-install/1"

    package init(mirror: MirrorURL, written: [UInt8], existed: Bool) {
        schema = Self.schemaName
        self.mirror = mirror.text
        self.written = Self.digest(written)
        self.existed = existed
    }

    /// `nil` where the mirror is none, or a later version wrote the record.
    var mirrorURL: MirrorURL? { schema == Self.schemaName ? try? MirrorURL(mirror) : nil }
    func describes(_ bytes: [UInt8]?) -> Bool { bytes.map(Self.digest) == written }

    /// The copy of the file as it was before.
    package static func backupPath(_ configuration: String) -> String { configuration + ".before-roost-cache" }
    package static func path(_ configuration: String) -> String { configuration + ".roost-cache" }
}
