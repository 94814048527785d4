import TOMLKit

/// Turns what TOMLKit parsed into values with places; the one file that knows TOMLKit.
enum TOMLTree {
    struct SyntaxError: Error {
        let message: String
        let position: SourcePosition?
    }

    static func parse(_ text: String, places: TOMLKeyTree) throws(SyntaxError) -> TOMLTableNode {
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let begin = error.source.begin
            throw SyntaxError(
                message: PrintableText.oneLine(error.description, limit: 300),
                position: begin.line > 0 ? SourcePosition(line: begin.line, column: max(1, begin.column)) : nil
            )
        } catch {
            throw SyntaxError(message: "the file could not be parsed as TOML: \(error)", position: nil)
        }
        return convert(table, at: TOMLKeyTree.root, path: TOMLKeyPath(), places: places)
    }

    private static func convert(
        _ table: TOMLTable,
        at place: TOMLKeyTree.NodeID?,
        path: TOMLKeyPath,
        places: TOMLKeyTree
    ) -> TOMLTableNode {
        // Nodes are numbered in the order of the file.
        let keys = table.keys.enumerated().map {
            (key: $1, order: places.child($1, of: place) ?? (.max - table.count + $0))
        }
        .sorted { $0.order < $1.order }
        var entries: [TOMLTableNode.Entry] = []
        entries.reserveCapacity(keys.count)
        for (key, _) in keys {
            guard let value = table[key]?.tomlValue else { continue }
            let node = convert(
                value,
                at: places.child(key, of: place),
                path: path.appending(key),
                places: places
            )
            entries.append(TOMLTableNode.Entry(key: key, node: node))
        }
        return TOMLTableNode(entries: entries, position: places.position(of: place), path: path)
    }

    private static func convert(
        _ value: TOMLValue,
        at place: TOMLKeyTree.NodeID?,
        path: TOMLKeyPath,
        places: TOMLKeyTree
    ) -> TOMLNode {
        let converted: TOMLNode.Value =
            if let text = value.string {
                .string(text)
            } else if let flag = value.bool {
                .boolean(flag)
            } else if let number = value.int {
                .integer(Int64(number))
            } else if let number = value.double {
                .float(number)
            } else if let table = value.table {
                .table(convert(table, at: place, path: path, places: places))
            } else if let array = value.array {
                .array(convert(array, at: place, path: path, places: places))
            } else {
                .date
            }
        return TOMLNode(value: converted, position: places.position(of: place), path: path)
    }

    private static func convert(
        _ array: TOMLArray,
        at place: TOMLKeyTree.NodeID?,
        path: TOMLKeyPath,
        places: TOMLKeyTree
    ) -> [TOMLNode] {
        array.enumerated().map { index, element in
            convert(
                element.tomlValue,
                at: place.flatMap { places.element(index, of: $0) },
                path: path.appending(index: index),
                places: places
            )
        }
    }
}
