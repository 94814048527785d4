/// Tells one engine from every other: what the rows of the state belong to.
package struct EngineID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
