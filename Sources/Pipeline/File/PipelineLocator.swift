package import Foundation
import RoostCore

/// Finds and reads the file of a pipeline; the one part of the file format that touches the disk.
package enum PipelineLocator {
    /// The names that are looked for, in this order in each folder.
    package static let fileNames = ["roost.toml", "ciroach.toml"]

    /// Looks in `folder` and then in each folder above it, up to the root of the file system.
    ///
    /// - Parameter folder: Where to begin; made absolute, symbolic links kept as the caller sees them.
    /// - Returns: The nearest file, named as seen from `folder` (`roost.toml`, `../roost.toml`).
    /// - Throws: ``PipelineNotFound``, with every folder that was looked into.
    package static func find(from folder: URL) throws(PipelineNotFound) -> PipelineFile {
        var current = folder.standardizedFileURL
        var searched: [String] = []
        var way = ""
        while true {
            searched.append(current.path)
            for name in fileNames {
                let candidate = current.appendingPathComponent(name, isDirectory: false)
                if isFile(candidate) { return PipelineFile(url: candidate, shownName: way + name) }
            }
            let parent = current.deletingLastPathComponent().standardizedFileURL
            // At the root the parent is the root itself.
            if parent.path.utf8.count >= current.path.utf8.count {
                throw PipelineNotFound(searched: searched)
            }
            current = parent
            way += "../"
        }
    }

    /// The file that a person names, as seen from `folder`.
    package static func file(named path: String, from folder: URL) -> PipelineFile {
        // Not `URL(fileURLWithPath:relativeTo:)`, which takes a folder without a slash at its end for a file.
        let url = path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path)
        return PipelineFile(url: url.standardizedFileURL, shownName: path)
    }

    /// Reads the file's text, at most a little more than what ``PipelineParser`` accepts.
    package static func read(_ file: PipelineFile) throws(PipelineFileUnreadable) -> String {
        let data: Data
        do {
            // Opening a pipe that nobody writes to would wait for ever.
            let kind = try FileManager.default.attributesOfItem(
                atPath: file.url.resolvingSymlinksInPath().path(percentEncoded: false)
            )[.type]
            guard let kind = kind as? FileAttributeType, [.typeRegular, .typeCharacterSpecial].contains(kind) else {
                throw CocoaError(.fileReadUnsupportedScheme)
            }
            let handle = try FileHandle(forReadingFrom: file.url)
            defer { try? handle.close() }
            data = try handle.read(upToCount: Int(TOMLDocument.mostBytes.bytes) + 1) ?? Data()
        } catch {
            throw PipelineFileUnreadable(file: file.shownName, problem: .unreadable, cause: error)
        }
        // A text that was cut may end within a character; it is refused for its size.
        if data.count > TOMLDocument.mostBytes.bytes { return String(decoding: data, as: UTF8.self) }
        guard let text = String(data: data, encoding: .utf8) else {
            throw PipelineFileUnreadable(file: file.shownName, problem: .notUTF8, cause: nil)
        }
        return text
    }

    private static func isFile(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && !isFolder.boolValue
    }
}

/// There is no pipeline file.
package struct PipelineNotFound: Error, Hashable, CustomStringConvertible {
    /// The folders that were looked into, the first one first.
    package let searched: [String]

    package var description: String {
        let names = PipelineLocator.fileNames.joined(separator: " or ")
        let first = searched.first ?? "."
        let upward = searched.count > 1 ? ", nor in any folder above it (\(searched.count) folders in all)" : ""
        return "no \(names) in \(first)\(upward); write one, or name a file with -f"
    }
}

/// A pipeline file that cannot be read as text.
package struct PipelineFileUnreadable: Error, CustomStringConvertible {
    package enum Problem: Hashable, Sendable { case unreadable, notUTF8 }

    /// The file as the person named it.
    package let file: String
    package let problem: Problem
    package let cause: (any Error)?

    package var description: String {
        switch problem {
        case .notUTF8: "\(file): not a text in UTF-8; save it as one"
        case .unreadable: "\(file): cannot be read (\(reason)); name a pipeline's file with -f"
        }
    }
    private var reason: String {
        switch (cause as? CocoaError)?.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such file"
        case .fileReadNoPermission: "you may not read it"
        default: "it is no readable file"
        }
    }
}
