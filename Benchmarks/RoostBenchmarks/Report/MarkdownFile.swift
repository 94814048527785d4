import Foundation

/// A document that people wrote, with places for figures: what stands between `<!-- NAME -->` and `<!-- /NAME -->` is
/// replaced, the rest stays.
struct MarkdownFile {
    /// The document has no such place.
    struct NoPlace: Error, CustomStringConvertible {
        let path: String
        let begin: String
        let end: String
        var description: String { "\(path) has no place for these figures: add the lines \(begin) and \(end)" }
    }

    let path: String

    /// - Parameters:
    ///   - name: The place's name.
    ///   - text: What is to stand there.
    /// - Throws: ``NoPlace``, or the failure to read or write the file.
    func replace(_ name: String, with text: String) throws {
        let (begin, end) = ("<!-- \(name) -->", "<!-- /\(name) -->")
        var document = try String(contentsOfFile: path, encoding: .utf8)
        guard let first = document.range(of: begin),
            let last = document.range(of: end, range: first.upperBound..<document.endIndex)
        else { throw NoPlace(path: path, begin: begin, end: end) }
        document.replaceSubrange(first.upperBound..<last.lowerBound, with: "\n\(text)\n")
        try Data(document.utf8).write(to: URL(filePath: path), options: .atomic)
    }
}
