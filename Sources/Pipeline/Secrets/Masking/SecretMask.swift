/// Finds the secrets of a run, in any of their forms, in whatever the run shows: an automaton after Aho and Corasick
/// ("Efficient string matching", 1975), which looks at each byte once however many forms there are.
///
/// Best effort: a secret that a step changes in a way that ``SecretForms`` does not know is not found.
package struct SecretMask: Sendable {
    /// What stands in the place of a secret.
    package static let replacement = Array("***".utf8)

    /// One state of the automaton: what the last bytes have in common with the begin of a form.
    private struct Node {
        var firstChild: Int32 = 0
        var nextSibling: Int32 = 0
        /// The state of the longest end of these bytes that begins a form, too.
        var fallback: Int32 = 0
        /// How many bytes lead here: the ones that a match may still need.
        var depth: Int32 = 0
        /// The length of the longest form that ends here; 0 where none does.
        var match: Int32 = 0
        var byte: UInt8 = 0
    }

    private var nodes = [Node()]
    /// The children of the first node by their byte; 0 where there is none.
    private var first = [Int32](repeating: 0, count: 256)
    /// One bit for each pair of bytes that begins a form: most of an output is passed over by looking at these alone.
    private var pairs = [UInt64](repeating: 0, count: 1024)

    /// - Parameter secrets: What is to be hidden.
    package init(_ secrets: [SecretValue]) {
        for secret in secrets {
            for form in SecretForms.all(of: secret.bytes) { insert(form) }
        }
        link()
    }

    private mutating func insert(_ form: [UInt8]) {
        let pair = Int(form[0]) << 8 | Int(form[1])
        pairs[pair >> 6] |= 1 << UInt64(pair & 63)
        var state: Int32 = 0
        for byte in form {
            let next = child(of: state, by: byte)
            if next != 0 {
                state = next
                continue
            }
            var node = Node()
            node.byte = byte
            node.depth = nodes[Int(state)].depth + 1
            node.nextSibling = nodes[Int(state)].firstChild
            let new = Int32(nodes.count)
            nodes[Int(state)].firstChild = new
            if state == 0 { first[Int(byte)] = new }
            nodes.append(node)
            state = new
        }
        nodes[Int(state)].match = nodes[Int(state)].depth
    }

    /// Finds each state's fallback, those of the shorter ones first.
    private mutating func link() {
        var queue: [Int32] = [0]
        var next = 0
        while next < queue.count {
            let parent = queue[next]
            next += 1
            var current = nodes[Int(parent)].firstChild
            while current != 0 {
                if parent != 0 {
                    nodes[Int(current)].fallback = step(nodes[Int(parent)].fallback, nodes[Int(current)].byte)
                }
                if nodes[Int(current)].match == 0 {
                    nodes[Int(current)].match = nodes[Int(nodes[Int(current)].fallback)].match
                }
                queue.append(current)
                current = nodes[Int(current)].nextSibling
            }
        }
    }

    private func child(of state: Int32, by byte: UInt8) -> Int32 {
        if state == 0 { return first[Int(byte)] }
        var child = nodes[Int(state)].firstChild
        while child != 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
        return child
    }

    /// The state after one more byte.
    private func step(_ state: Int32, _ byte: UInt8) -> Int32 {
        var state = state
        while true {
            let next = child(of: state, by: byte)
            if next != 0 || state == 0 { return next }
            state = nodes[Int(state)].fallback
        }
    }

    /// Goes on over bytes.
    ///
    /// - Parameters:
    ///   - bytes: What comes next.
    ///   - state: Where the search is; 0 at the begin.
    ///   - found: Told the place behind each match, in `bytes`, and the length of the longest one that ends there.
    /// - Returns: How many of the last bytes, earlier ones included, may be the begin of a secret.
    func search(
        _ bytes: UnsafeBufferPointer<UInt8>,
        from state: inout Int32,
        found: (_ end: Int, _ length: Int) -> Void
    )
        -> Int
    {
        var index = 0
        let last = bytes.count - 1
        while index <= last {
            if state == 0, index < last {
                let pair = Int(bytes[index]) << 8 | Int(bytes[index + 1])
                if pairs[pair >> 6] & (1 << UInt64(pair & 63)) == 0 {
                    index += 1
                    continue
                }
            }
            state = step(state, bytes[index])
            index += 1
            let match = nodes[Int(state)].match
            if match > 0 { found(index, Int(match)) }
        }
        return Int(nodes[Int(state)].depth)
    }

    /// A whole text with its secrets hidden.
    package func hide(in text: String) -> String {
        var stream = MaskedStream(self)
        let bytes = Array(text.utf8)
        let masked = stream.feed(bytes) + stream.finish()
        return masked == bytes ? text : String(decoding: masked, as: UTF8.self)
    }
}
