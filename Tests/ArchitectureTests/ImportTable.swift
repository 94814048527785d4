/// What one target may import beside the standard library and the system's modules.
struct ImportRow {
    /// Targets of this package.
    let targets: Set<String>
    /// Modules of the packages that Package.swift names.
    let modules: Set<String>
}

/// Who may import whom, from the bottom to the top; docs/architecture.md says why. The rows are narrower than
/// SwiftPM's: a module that a dependency brings along can be imported without asking, and here it can't.
let importTable: [String: ImportRow] = [
    "OCIDistribution": ImportRow(
        targets: [],
        modules: [
            "AsyncHTTPClient", "Crypto", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOFoundationCompat", "NIOSSL",
            "Subprocess",
        ]
    ),
    // C: what Swift's view of glibc does not reach.
    "CWorkspaceFiles": ImportRow(targets: [], modules: []),
    "RoostCore": ImportRow(
        targets: ["OCIDistribution"],
        modules: ["DequeModule", "TOMLKit"]
    ),
    "DockerEngine": ImportRow(
        targets: ["OCIDistribution", "RoostCore"],
        modules: ["AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOFoundationCompat", "NIOSSL"]
    ),
    "RoostStore": ImportRow(
        targets: ["RoostCore"],
        modules: ["GRDB"]
    ),
    "Reaping": ImportRow(
        targets: ["RoostCore", "DockerEngine", "ParkedContainers"],
        modules: []
    ),
    "ImagePull": ImportRow(
        targets: ["OCIDistribution", "RoostCore", "DockerEngine"],
        modules: []
    ),
    // The one feature with a server of its own, whose data path must reach sendfile, and with an index in its own folder.
    "RegistryCache": ImportRow(
        targets: ["OCIDistribution", "RoostCore"],
        modules: [
            "AsyncHTTPClient", "Crypto", "DequeModule", "GRDB", "NIOCore", "NIOHTTP1", "NIOPosix", "Subprocess",
            "SystemPackage",
        ]
    ),
    "CProcessDescriptor": ImportRow(
        targets: [],
        modules: []
    ),
    "ParkedContainers": ImportRow(
        targets: ["RoostCore", "DockerEngine", "CProcessDescriptor"],
        modules: ["NIOCore"]
    ),
    "Pipeline": ImportRow(
        targets: [
            "CWorkspaceFiles", "OCIDistribution", "RoostCore", "DockerEngine", "ImagePull", "ParkedContainers",
        ],
        modules: ["AsyncAlgorithms", "NIOCore"]
    ),
    "WorkspaceWatch": ImportRow(
        targets: ["Pipeline", "RoostCore"],
        modules: ["Subprocess"]
    ),
    "Doctor": ImportRow(
        targets: ["OCIDistribution", "RoostCore", "DockerEngine"],
        modules: []
    ),
    "RoostCLI": ImportRow(
        targets: [
            "OCIDistribution", "RoostCore", "RoostStore", "DockerEngine", "Reaping", "ImagePull", "Pipeline", "Doctor",
            "RegistryCache", "WorkspaceWatch",
        ],
        modules: ["ArgumentParser", "AsyncAlgorithms", "Configuration", "UnixSignals"]
    ),
    "roost": ImportRow(
        targets: ["RoostCLI"],
        modules: []
    ),
    "RoostTesting": ImportRow(
        targets: ["OCIDistribution", "RoostCore", "DockerEngine"],
        modules: [
            "AsyncHTTPClient", "Crypto", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOFoundationCompat", "NIOSSL",
            "Subprocess",
        ]
    ),
]

/// Modules that come with Swift or the system, and swift-system, which swift-subprocess speaks in.
let systemModules: Set<String> = [
    "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Musl", "RegexBuilder", "Synchronization",
    "SystemPackage",
]
