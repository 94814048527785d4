/// Hides the secrets in one stream of bytes, wherever it is cut: `***` stands in the place of each piece that matches cover,
/// alone or together.
///
/// Bytes are held back only while they may be the begin of a secret, so that a prompt without a line break is shown.
package struct MaskedStream: Sendable {
    private let mask: SecretMask
    private var state: Int32 = 0
    /// The last bytes, which are the begin of a form.
    private var held: [UInt8] = []
    /// What matches cover of ``held``; in order, and no two touch.
    private var covered: [Range<Int>] = []
    /// What was handed on last is a replacement that a match at the begin of ``held`` belongs to.
    private var endsInReplacement = false

    package init(_ mask: SecretMask) {
        self.mask = mask
    }

    /// Takes the next bytes.
    ///
    /// - Returns: What can be shown by now.
    package mutating func feed(_ bytes: [UInt8]) -> [UInt8] {
        let offset = held.count
        var covered = covered
        let open = bytes.withUnsafeBufferPointer { buffer in
            mask.search(buffer, from: &state) { end, length in
                let end = offset + end
                var start = end - length
                while let last = covered.last, last.upperBound >= start {
                    start = min(start, last.lowerBound)
                    covered.removeLast()
                }
                covered.append(start..<end)
            }
        }
        self.covered = covered
        if offset == 0, open == 0, covered.isEmpty, !bytes.isEmpty {
            endsInReplacement = false
            return bytes
        }
        held += bytes
        return handOn(held.count - open)
    }

    /// The stream has ended: what was held back was no secret, or the begin of one that was cut.
    package mutating func finish() -> [UInt8] {
        state = 0
        defer { endsInReplacement = false }
        return handOn(held.count)
    }

    /// Hands on the first bytes of those that were held back; no match to come begins in them.
    private mutating func handOn(_ count: Int) -> [UInt8] {
        guard count > 0 else { return [] }
        var shown: [UInt8] = []
        shown.reserveCapacity(count)
        var position = 0
        var kept: [Range<Int>] = []
        for range in covered {
            if range.lowerBound < count {
                shown += held[position..<range.lowerBound]
                if !(range.lowerBound == 0 && endsInReplacement) { shown += SecretMask.replacement }
                position = min(range.upperBound, count)
            }
            if range.upperBound > count { kept.append(max(range.lowerBound - count, 0)..<range.upperBound - count) }
        }
        shown += held[position..<count]
        // A match to come may touch the one that ends here.
        endsInReplacement = position == count
        covered = kept
        held.removeFirst(count)
        return shown
    }
}
