import Foundation
package import NIOCore
import Synchronization

/// A layer: a tar archive and its gzip'd form.
package struct TestLayer: Hashable, Sendable {
    /// The gzip'd archive, as registries store it.
    package let blob: ByteBuffer
    /// The blob's digest.
    package let digest: String
    /// The digest of the archive itself, as image configurations name it.
    package let diffID: String
    /// The blob's size in bytes.
    package var size: Int { blob.readableBytes }

    /// A layer of these files, parents before children.
    ///
    /// - Throws: When a path does not fit into a tar header.
    package init(files: [TestFile]) throws {
        let tar = try TarWriter.archive(files)
        blob = StoredGzip.wrap(tar)
        digest = TestDigest.sha256(blob)
        diffID = TestDigest.sha256(tar)
    }

    /// A layer with one file of random content, which no compression makes smaller.
    ///
    /// - Parameters:
    ///   - count: The file's size in bytes; the layer is a little larger.
    ///   - seed: Decides the content, and with it the digest.
    ///   - path: The file's path.
    /// - Returns: The layer.
    /// - Throws: When the path does not fit into a tar header.
    package static func random(bytes count: Int, seed: UInt64, path: String = "/random") throws -> TestLayer {
        var generator = SplitMix64(seed: seed)
        return try TestLayer(files: [.file(path, ByteBuffer(bytes: generator.bytes(count)))])
    }

    /// The layer of ``TestImage/busybox``: a root file system with the machine's static busybox.
    ///
    /// - Throws: ``NoBusybox`` when the machine has none.
    package static func busybox() throws -> TestLayer {
        try cache.withLock { cached in
            if let cached { return cached }
            let layer = try TestLayer(files: busyboxFiles())
            cached = layer
            return layer
        }
    }

    /// The machine has no busybox to make images of.
    package struct NoBusybox: Error, CustomStringConvertible {
        package var description: String {
            "no /bin/busybox or /usr/bin/busybox on this machine; install the package busybox-static"
        }
    }

    private static let cache = Mutex<TestLayer?>(nil)

    /// The programs that tests and examples use.
    private static let applets = [
        "sh", "ash", "awk", "base64", "basename", "cat", "chmod", "chown", "cp", "cut", "date", "dd", "df", "dirname",
        "du",
        "echo", "env", "expr", "false", "find", "free", "grep", "gunzip", "gzip", "head", "hostname", "id", "ip",
        "kill",
        "killall", "ln", "ls", "md5sum", "mkdir", "mkfifo", "mktemp", "mount", "mv", "nc", "nproc", "od", "pgrep",
        "pidof",
        "ping", "printenv", "printf", "ps", "pwd", "readlink", "realpath", "rm", "rmdir", "sed", "seq", "sha256sum",
        "sleep",
        "sort", "stat", "stty", "sync", "tail", "tar", "tee", "test", "timeout", "touch", "tr", "true", "truncate",
        "tty",
        "uname", "uniq", "usleep", "vi", "wc", "wget", "which", "whoami", "xargs", "yes",
    ]

    /// The machine's static busybox: a program that is whatever it is called.
    ///
    /// - Throws: ``NoBusybox`` when the machine has none.
    package static func busyboxProgram() throws -> ByteBuffer {
        let places = [TestEnvironment.busybox, "/bin/busybox", "/usr/bin/busybox"].compactMap(\.self)
        guard let bytes = places.lazy.compactMap({ FileManager.default.contents(atPath: $0) }).first else {
            throw NoBusybox()
        }
        return ByteBuffer(bytes: bytes)
    }

    private static func busyboxFiles() throws -> [TestFile] {
        let directories: [TestFile] = [
            .directory("/bin"), .directory("/dev"), .directory("/etc"), .directory("/home"), .directory("/proc"),
            .directory("/root", mode: 0o700), .directory("/sys"), .directory("/tmp", mode: 0o1777), .directory("/usr"),
            .directory("/usr/bin"), .directory("/var"),
        ]
        let files: [TestFile] = [
            .file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
            .file("/etc/group", "root:x:0:\nnobody:x:65534:\n"),
            .file("/bin/busybox", mode: 0o755, try busyboxProgram()),
            .symbolicLink("/usr/bin/env", to: "/bin/busybox"),
        ]
        return directories + files + applets.map { .symbolicLink("/bin/\($0)", to: "/bin/busybox") }
    }
}
