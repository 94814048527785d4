// swift-tools-version: 6.2
import PackageDescription

/// The language settings of every target, set once.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// Who may import whom is laid down in docs/architecture.md and held by ArchitectureTests.
let package = Package(
    name: "roost",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "roost", targets: ["roost"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms.git", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-system.git", from: "1.6.0"),
        .package(url: "https://github.com/LebJe/TOMLKit.git", from: "0.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "roost",
            dependencies: ["RoostCLI"],
            swiftSettings: settings
        ),
        .target(
            name: "RoostCLI",
            dependencies: [
                "WorkspaceWatch", "Pipeline", "RegistryCache", "ImagePull", "Doctor", "Reaping", "RoostStore",
                "DockerEngine",
                "OCIDistribution",
                "RoostCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "WorkspaceWatch",
            dependencies: [
                "Pipeline", "RoostCore",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Pipeline",
            dependencies: [
                "CWorkspaceFiles", "ImagePull", "ParkedContainers", "DockerEngine", "OCIDistribution", "RoostCore",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RegistryCache",
            dependencies: [
                "OCIDistribution", "RoostCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "ImagePull",
            dependencies: ["DockerEngine", "OCIDistribution", "RoostCore"],
            swiftSettings: settings
        ),
        .target(
            name: "ParkedContainers",
            dependencies: [
                "CProcessDescriptor", "DockerEngine", "RoostCore",
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .target(name: "CProcessDescriptor"),
        .target(name: "CWorkspaceFiles"),
        .target(
            name: "Reaping",
            dependencies: ["DockerEngine", "ParkedContainers", "RoostCore"],
            swiftSettings: settings
        ),
        .target(
            name: "RoostStore",
            dependencies: ["RoostCore", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings
        ),
        .target(
            name: "Doctor",
            dependencies: ["DockerEngine", "OCIDistribution", "RoostCore"],
            swiftSettings: settings
        ),
        .target(
            name: "DockerEngine",
            dependencies: [
                "OCIDistribution", "RoostCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RoostCore",
            dependencies: [
                "OCIDistribution",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "OCIDistribution",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RoostTesting",
            dependencies: [
                "DockerEngine", "OCIDistribution", "RoostCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "RoostBenchmarks",
            dependencies: [
                "RoostTesting", "OCIDistribution", "RoostCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Benchmarks/RoostBenchmarks",
            swiftSettings: settings
        ),
        .testTarget(
            name: "RoostBenchmarksTests",
            dependencies: ["RoostBenchmarks", "Pipeline", "RoostCore", "RoostTesting"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "OCIDistributionTests",
            dependencies: ["OCIDistribution", "RoostTesting"],
            swiftSettings: settings
        ),
        .testTarget(name: "RoostCoreTests", dependencies: ["RoostCore", "RoostTesting"], swiftSettings: settings),
        .testTarget(
            name: "DockerEngineTests",
            dependencies: ["DockerEngine", "RoostTesting"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RegistryCacheTests",
            dependencies: ["RegistryCache", "RoostTesting", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings
        ),
        .testTarget(name: "ImagePullTests", dependencies: ["ImagePull", "RoostTesting"], swiftSettings: settings),
        .testTarget(
            name: "ParkedContainersTests",
            dependencies: ["ParkedContainers", "DockerEngine", "RoostTesting"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ReapingTests",
            dependencies: ["Reaping", "DockerEngine", "RoostTesting"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RoostStoreTests",
            dependencies: ["RoostStore", "RoostTesting", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings
        ),
        .testTarget(
            name: "WorkspaceWatchTests",
            dependencies: [
                "WorkspaceWatch", "Pipeline", "RoostTesting",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "PipelineTests", dependencies: ["Pipeline", "RoostTesting"], swiftSettings: settings),
        .testTarget(
            name: "DoctorTests",
            dependencies: ["Doctor", "RoostCLI", "DockerEngine", "RoostTesting"],
            swiftSettings: settings
        ),
        .testTarget(name: "RoostCLITests", dependencies: ["RoostCLI", "RoostTesting"], swiftSettings: settings),
        .testTarget(name: "RoostTestingTests", dependencies: ["RoostTesting"], swiftSettings: settings),
        .testTarget(name: "ArchitectureTests", swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "RoostCLI", "Doctor", "Pipeline", "RegistryCache", "ParkedContainers", "Reaping", "RoostStore",
                "ImagePull",
                "DockerEngine", "RoostTesting",
            ],
            swiftSettings: settings
        ),
    ]
)
