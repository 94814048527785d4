/// The shapes of numbers, booleans, dates and times (TOML 1.0, `toml.abnf`). Whether a month is one of twelve or a number
/// fits is not looked at.
struct TOMLScalar {
    private var rest: ArraySlice<UInt8>

    static func isWellFormed(_ text: ArraySlice<UInt8>) -> Bool {
        // Longer than any number that means something, and than any date.
        guard text.count <= 100 else { return false }
        if text.elementsEqual("true".utf8) || text.elementsEqual("false".utf8) { return true }
        let shapes: [(inout TOMLScalar) -> Bool] = [{ $0.number() }, { $0.prefixedInteger() }, { $0.dateOrTime() }]
        return shapes.contains { shape in
            var scalar = TOMLScalar(rest: text)
            return shape(&scalar) && scalar.rest.isEmpty
        }
    }

    // MARK: - Numbers

    private mutating func number() -> Bool {
        _ = take("+") || take("-")
        if takeWord("inf") || takeWord("nan") { return true }
        let isZero = rest.first == UInt8(ascii: "0")
        guard let digits = takeDigits(\.isDigit), !isZero || digits == 1 else { return false }
        if take("."), takeDigits(\.isDigit) == nil { return false }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            return takeDigits(\.isDigit) != nil
        }
        return true
    }

    private mutating func prefixedInteger() -> Bool {
        guard take("0") else { return false }
        if take("x") { return takeDigits { Character(Unicode.Scalar($0)).isHexDigit } != nil }
        if take("o") { return takeDigits { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) } != nil }
        return take("b") && takeDigits { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") } != nil
    }

    // MARK: - Dates

    private mutating func dateOrTime() -> Bool {
        guard takePattern("dddd-dd-dd") else { return time() }
        guard !rest.isEmpty else { return true }
        guard take("T") || take("t") || take(" "), time() else { return false }
        if take("Z") || take("z") || rest.isEmpty { return true }
        return (take("+") || take("-")) && takePattern("dd:dd")
    }

    private mutating func time() -> Bool {
        guard takePattern("dd:dd:dd") else { return false }
        guard take(".") else { return true }
        let fraction = rest.prefix(while: \.isDigit)
        rest = rest.dropFirst(fraction.count)
        return !fraction.isEmpty
    }

    // MARK: - Pieces

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func takeWord(_ word: String) -> Bool {
        guard rest.starts(with: word.utf8) else { return false }
        rest = rest.dropFirst(word.utf8.count)
        return true
    }

    /// Digits with single underscores between them.
    ///
    /// - Returns: How many bytes they take; `nil` where there are none, or an underscore is not between two digits.
    private mutating func takeDigits(_ isDigit: (UInt8) -> Bool) -> Int? {
        let taken = rest.prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
        rest = rest.dropFirst(taken.count)
        let groups = taken.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        return groups.contains(where: \.isEmpty) ? nil : taken.count
    }

    /// Takes what looks like `pattern`, where `d` is a digit and everything else itself.
    private mutating func takePattern(_ pattern: String) -> Bool {
        let text = rest.prefix(pattern.utf8.count)
        let fits =
            text.count == pattern.utf8.count
            && zip(text, pattern.utf8).allSatisfy { $1 == UInt8(ascii: "d") ? $0.isDigit : $0 == $1 }
        if fits { rest = rest.dropFirst(text.count) }
        return fits
    }
}
