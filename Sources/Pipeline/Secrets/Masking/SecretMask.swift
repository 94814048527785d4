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
    private var begins: BeginFilter

    /// - Parameter secrets: What is to be hidden.
    package init(_ secrets: [SecretValue]) {
        let forms = secrets.reduce(into: Set<[UInt8]>()) { $0.formUnion(SecretForms.all(of: $1.bytes)) }
        begins = BeginFilter(count: forms.count)
        for form in forms { insert(form) }
        link()
    }

    private mutating func insert(_ form: [UInt8]) {
        form.withUnsafeBytes { begins.insert($0) }
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
        let raw = UnsafeRawBufferPointer(bytes)
        var index = 0
        while index < raw.count {
            if state == 0 {
                while index + BeginFilter.width <= raw.count, !begins.mayBegin(raw, at: index) { index += 1 }
                if index == raw.count { break }
            }
            let before = nodes[Int(state)].depth
            state = step(state, raw[index])
            index += 1
            if nodes[Int(state)].depth <= before { leaveDeadEnds(raw, index, &state) }
            let match = nodes[Int(state)].match
            if match > 0 { found(index, Int(match)) }
        }
        return Int(nodes[Int(state)].depth)
    }

    /// Falls back from begins of a few bytes that those behind them rule out, so that the search gets back to where it passes
    /// over bytes quickly.
    private func leaveDeadEnds(_ bytes: UnsafeRawBufferPointer, _ index: Int, _ state: inout Int32) {
        while state != 0 {
            let start = index - Int(nodes[Int(state)].depth)
            // No form is so short that a match could be missed.
            guard index - start < BeginFilter.width, start >= 0, start + BeginFilter.width <= bytes.count,
                !begins.mayBegin(bytes, at: start)
            else { return }
            state = nodes[Int(state)].fallback
        }
    }

    /// A whole text with its secrets hidden.
    package func hide(in text: String) -> String {
        var stream = MaskedStream(self)
        let bytes = Array(text.utf8)
        let masked = stream.feed(bytes) + stream.finish()
        return masked == bytes ? text : String(decoding: masked, as: UTF8.self)
    }
}

/// Tells of most places in a text, by their first bytes alone, that no form begins there.
private struct BeginFilter: Sendable {
    /// How many bytes are looked at.
    static let width = SecretForms.shortest

    private var bits: [UInt64]
    private let shift: UInt32

    /// - Parameter count: How many forms there will be; of up to 65,536 one place in sixty-four is taken for a begin by mistake.
    init(count: Int) {
        let exponent = min(max((count * 64).bitWidth - (count * 64).leadingZeroBitCount, 12), 22)
        bits = [UInt64](repeating: 0, count: 1 << (exponent - 6))
        shift = UInt32(32 - exponent)
    }

    /// The upper bits of a product are the ones that all bytes have a part in (Knuth's multiplicative hashing).
    private func place(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
        Int((bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self) &* 2_654_435_769) >> shift)
    }

    mutating func insert(_ form: UnsafeRawBufferPointer) {
        let place = place(form, 0)
        bits[place >> 6] |= 1 << UInt64(place & 63)
    }

    /// Whether a form may begin at a place that is at least ``width`` before the end.
    func mayBegin(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Bool {
        let place = place(bytes, index)
        return bits[place >> 6] & (1 << UInt64(place & 63)) != 0
    }
}
