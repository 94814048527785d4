extension TOMLNode {
    /// The value with each of its strings, at whatever depth, replaced; keys and places stay as they are.
    ///
    /// - Parameter transform: Given each string's text and its node.
    /// - Returns: The value with the new strings.
    package func mapStrings(_ transform: (String, TOMLNode) -> String) -> TOMLNode {
        let mapped: Value =
            switch value {
            case .string(let text): .string(transform(text, self))
            case .array(let elements): .array(elements.map { $0.mapStrings(transform) })
            case .table(let table): .table(table.mapStrings(transform))
            case .integer, .float, .boolean, .date: value
            }
        return TOMLNode(value: mapped, position: position, path: path)
    }
}

extension TOMLTableNode {
    /// The table with some of its entries left out.
    package func filterEntries(_ isKept: (Entry) -> Bool) -> TOMLTableNode {
        TOMLTableNode(entries: entries.filter(isKept), position: position, path: path)
    }

    /// The table with each string of its values replaced; see ``TOMLNode/mapStrings(_:)``.
    package func mapStrings(_ transform: (String, TOMLNode) -> String) -> TOMLTableNode {
        TOMLTableNode(
            entries: entries.map { Entry(key: $0.key, node: $0.node.mapStrings(transform)) },
            position: position,
            path: path
        )
    }
}
