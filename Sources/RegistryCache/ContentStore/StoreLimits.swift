package import RoostCore

/// How much room the store may take.
package struct StoreLimits: Hashable, Sendable {
    /// The most bytes of blobs, manifests, partials and quarantined files together. The index is not counted: it takes
    /// some hundred bytes a blob.
    package let maxSize: ByteCount
    /// How many bytes of the disk are left to others.
    package let minFree: ByteCount
    /// For how long after it was last asked for, or its tag compared, a manifest keeps what it refers to from going first.
    package let freshFor: Duration

    package init(maxSize: ByteCount, minFree: ByteCount = ByteCount(0), freshFor: Duration = .seconds(86_400)) {
        self.maxSize = maxSize
        self.minFree = minFree
        self.freshFor = freshFor
    }

    /// The cap where nobody names one: the smaller of 20 GB and a fifth of the disk.
    package static func usualSize(ofDisk disk: ByteCount) -> ByteCount {
        ByteCount(min(20_000_000_000, disk.bytes / 5))
    }
}
