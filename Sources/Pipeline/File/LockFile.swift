package import OCIDistribution
package import RoostCore

/// `roost.lock`: which content each image of a pipeline had when it was locked.
///
/// A run with `--locked` takes the content named here, whatever a tag means by then.
package struct LockFile: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let reference: ImageReference
        /// What the tag named when it was locked: an index where the registry has the image for several platforms, which
        /// pins it on every platform alike, else a manifest.
        package let digest: Digest

        package init(reference: ImageReference, digest: Digest) {
            self.reference = reference
            self.digest = digest
        }
    }

    package static let fileName = "roost.lock"
    package static let schema = "roost.lock/1"

    /// In the order of their references; none twice.
    package let entries: [Entry]
    private let byReference: [ImageReference: Entry]

    /// - Parameter entries: In any order; of two with the same reference the last counts.
    package init(_ entries: some Sequence<Entry>) {
        byReference = Dictionary(entries.map { ($0.reference, $0) }) { $1 }
        self.entries = byReference.values.sorted { $0.reference.description < $1.reference.description }
    }

    /// What an image is pinned to: by its own digest where it names one, else by the lock file.
    ///
    /// - Returns: `nil` where the lock file does not know the image: it has to be locked anew.
    package func digest(for reference: ImageReference) -> Digest? {
        reference.digest ?? byReference[reference]?.digest
    }

    /// The images that need an entry and have none, in their order, each once.
    package func missing(from references: some Sequence<ImageReference>) -> [ImageReference] {
        var seen: Set<ImageReference> = []
        return references.filter { seen.insert($0).inserted && digest(for: $0) == nil }
    }
}

// MARK: - Text

extension LockFile {
    /// The file's text: the same entries always give the same text, a block an image, so that changes read well.
    package func render() -> String {
        var text = """
            # The images of this pipeline by content. Written by Roost; commit it, and do not edit it.
            schema = "\(Self.schema)"

            """
        for entry in entries {
            // References and digests are printable ASCII without quotes or backslashes.
            text += """

                [[image]]
                reference = "\(entry.reference)"
                digest = "\(entry.digest)"

                """
        }
        return text
    }

    /// Reads the text of a lock file.
    ///
    /// - Returns: The lock file, or `nil` and at least one error.
    package static func parse(_ text: String, file: String) -> (lock: LockFile?, diagnostics: [Diagnostic]) {
        let (document, syntax) = TOMLDocument.parse(text, file: file)
        guard let document else { return (nil, syntax) }
        let collector = DiagnosticCollector(file: file)
        let root = TOMLTableReader(document.root, collector: collector)
        let schema = root.string("schema")
        if let schema, schema.value != Self.schema {
            // The other keys of another schema may mean anything.
            let shown = PrintableText.quoted(schema.value, limit: 40)
            collector.error(
                "this Roost reads \"\(Self.schema)\", not \(shown); lock the pipeline anew",
                at: schema.position,
                key: schema.path
            )
            return (nil, collector.diagnostics)
        }
        if !root.has("schema") { root.reportMissing("schema", "schema = \"\(Self.schema)\"") }
        let tables = root.tables("image")?.value ?? []
        root.finish()
        var seen: Set<ImageReference> = []
        var entries: [Entry] = []
        for table in tables {
            guard let entry = entry(table) else { continue }
            if !seen.insert(entry.reference).inserted {
                collector.error("\(entry.reference.familiar) is locked twice", at: table.position, key: table.path)
            }
            entries.append(entry)
        }
        return (collector.hasErrors ? nil : LockFile(entries), collector.diagnostics.sortedByPosition())
    }

    private static func entry(_ table: TOMLTableReader) -> Entry? {
        let reference = table.string("reference")
        let manifest = digest("digest", in: table)
        table.finish()
        for key in ["reference", "digest"] where !table.has(key) {
            table.reportMissing(key, "each image has a reference and a digest")
        }
        guard let reference else { return nil }
        do {
            let parsed = try ImageReference(parsing: reference.value)
            return manifest.map { Entry(reference: parsed, digest: $0) }
        } catch {
            table.collector.error(error.description, at: reference.position, key: reference.path)
            return nil
        }
    }

    private static func digest(_ key: String, in table: TOMLTableReader) -> Digest? {
        guard let text = table.string(key, expected: "a digest") else { return nil }
        do {
            return try Digest(parsing: text.value)
        } catch {
            table.collector.error(error.description, at: text.position, key: text.path)
            return nil
        }
    }
}
