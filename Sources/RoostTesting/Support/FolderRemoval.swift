import Foundation
import RoostCore

/// Removes a test's folder though others may still be at work in it: a database that is being closed takes its files away, a
/// process that ends writes its last ones. `FileManager` gives up where something vanishes or appears in between.
package enum FolderRemoval {
    package struct Failed: Error, CustomStringConvertible {
        package let description: String
    }

    /// How often a folder that has got something new meanwhile is emptied again.
    private static let patience = 1000

    private struct Obstacle: Error {
        let path: String
        let code: Int32

        init(_ path: Place, _ code: Int32) {
            self.path = path.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
            self.code = code
        }
    }

    /// A path's bytes and a zero: names need not be UTF-8.
    private typealias Place = [CChar]

    private static func place(_ path: String) -> Place { path.utf8CString.map { $0 } }

    /// - Parameter path: A folder; never mind if it is gone already.
    /// - Throws: ``Failed``, which says what is in the way, whose it is, and who uses it.
    package static func remove(_ path: String) throws {
        do {
            try removeTree(place(path))
        } catch let obstacle as Obstacle {
            throw Failed(description: describe(obstacle, in: path))
        }
    }

    private static func removeTree(_ path: Place) throws {
        guard unlink(path) != 0 else { return }
        switch errno {
        case ENOENT: return
        // What Linux says of a folder, and what POSIX does.
        case EISDIR, EPERM: break
        case let code: throw Obstacle(path, code)
        }
        // A test may have closed a folder of its own.
        chmod(path, 0o700)
        for _ in 0..<patience {
            for name in try entries(of: path) { try removeTree(path.dropLast() + place("/").dropLast() + name) }
            if rmdir(path) == 0 || errno == ENOENT { return }
            guard errno == ENOTEMPTY else { throw Obstacle(path, errno) }
        }
        throw Obstacle(path, ENOTEMPTY)
    }

    private static func entries(of path: Place) throws -> [Place] {
        guard let folder = opendir(path) else {
            if errno == ENOENT { return [] }
            throw Obstacle(path, errno)
        }
        defer { closedir(folder) }
        var names: [Place] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
            }
            if name != place("."), name != place("..") { names.append(name) }
        }
        return names
    }

    // MARK: - Why not

    private static func describe(_ obstacle: Obstacle, in folder: String) -> String {
        var text = "the folder \(folder) is left behind: \(obstacle.path): \(String(cString: strerror(obstacle.code)))"
        var status = stat()
        if lstat(obstacle.path, &status) == 0 {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            text += "; it belongs to user \(status.st_uid), mode \(mode)"
        }
        if let names = try? FileManager.default.contentsOfDirectory(atPath: obstacle.path), !names.isEmpty {
            text += "; in it: \(names.prefix(5).joined(separator: ", "))"
        }
        let mounts = mounts(below: folder)
        if !mounts.isEmpty { text += "; mounted there: \(mounts.joined(separator: ", "))" }
        let users = users(of: folder)
        if !users.isEmpty { text += "; used by \(users.joined(separator: ", "))" }
        return text
    }

    private static func mounts(below folder: String) -> [String] {
        let table = KernelFile.text(of: "/proc/self/mountinfo") ?? ""
        return table.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4] == folder || fields[4].hasPrefix(folder + "/") else { return nil }
            return String(fields[4])
        }
    }

    /// The processes that have their working folder or an open file in the folder, as far as one may see that.
    private static func users(of folder: String) -> [String] {
        let manager = FileManager.default
        let processes = ((try? manager.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
        return processes.sorted().compactMap { process in
            let place = "/proc/\(process)"
            let open = ((try? manager.contentsOfDirectory(atPath: place + "/fd")) ?? []).map { place + "/fd/" + $0 }
            let file = (["\(place)/cwd", "\(place)/root"] + open).lazy
                .compactMap { try? manager.destinationOfSymbolicLink(atPath: $0) }
                .first { $0 == folder || $0.hasPrefix(folder + "/") }
            guard let file else { return nil }
            let name = KernelFile.text(of: place + "/comm") ?? ""
            return "process \(process) (\(name.trimmingCharacters(in: .whitespacesAndNewlines))), which has \(file)"
        }
    }
}
