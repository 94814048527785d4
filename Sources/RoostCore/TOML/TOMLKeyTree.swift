/// Where the keys and array elements of a document stand, and in which order.
///
/// The nodes lie in one array, so that neither depth nor number costs recursion.
struct TOMLKeyTree {
    /// A node's place in the tree; ``root`` is the document.
    typealias NodeID = Int

    enum Kind {
        /// Came to be as a part of a path (`a` in `[a.b]`) and may still be defined.
        case implied
        /// Defined by `[header]`.
        case header
        /// Given by `key = value`.
        case value
        /// Made by `[[header]]`.
        case arrayOfTables
    }

    struct Node {
        /// Where the key stands that names the node; for an array's element, where the element starts.
        var position: SourcePosition
        var kind: Kind
        /// The number of elements, for arrays.
        var elements = 0
    }

    /// A key by its bytes: Swift's string equality is canonical equivalence, TOML's is not.
    struct Child: Hashable {
        let parent: NodeID
        let part: Part

        enum Part: Hashable {
            case key([UInt8])
            case index(Int)
        }
    }

    static let root: NodeID = 0
    private(set) var nodes = [Node(position: SourcePosition(line: 1, column: 1), kind: .header)]
    private var children: [Child: NodeID] = [:]

    /// Keys and array elements.
    var count: Int { nodes.count - 1 }

    func child(_ key: [UInt8], of parent: NodeID) -> NodeID? { children[Child(parent: parent, part: .key(key))] }
    func element(_ index: Int, of parent: NodeID) -> NodeID? { children[Child(parent: parent, part: .index(index))] }

    /// The node of a key's value, as seen from `parent`.
    func child(_ key: String, of parent: NodeID?) -> NodeID? { parent.flatMap { child(Array(key.utf8), of: $0) } }
    func position(of node: NodeID?) -> SourcePosition? { node.map { nodes[$0].position } }

    mutating func add(_ key: [UInt8], to parent: NodeID, at position: SourcePosition, kind: Kind) -> NodeID {
        add(Child(parent: parent, part: .key(key)), at: position, kind: kind)
    }

    mutating func addElement(to parent: NodeID, at position: SourcePosition, kind: Kind) -> NodeID {
        nodes[parent].elements += 1
        return add(Child(parent: parent, part: .index(nodes[parent].elements - 1)), at: position, kind: kind)
    }

    mutating func define(_ node: NodeID, at position: SourcePosition, kind: Kind) {
        nodes[node].position = position
        nodes[node].kind = kind
    }

    private mutating func add(_ child: Child, at position: SourcePosition, kind: Kind) -> NodeID {
        nodes.append(Node(position: position, kind: kind))
        children[child] = nodes.count - 1
        return nodes.count - 1
    }
}
