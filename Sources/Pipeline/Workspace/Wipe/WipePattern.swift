import RoostCore

/// A path below the workspace in which `*`, `?` and `[…]` stand for parts of a name and `**` for any folders.
///
/// As in a shell, these leave names alone that begin with a dot, unless the pattern writes the dot. `**` at the end is
/// all that the folder before it holds, hidden or not.
package struct WipePattern: Hashable, Sendable, CustomStringConvertible {
    /// A text that is no pattern.
    package struct Invalid: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// One name, or any number of folders.
    enum Component: Hashable, Sendable {
        case name(NamePattern)
        case anyFolders
        /// Everything in a folder.
        case everything
    }

    /// As it was written.
    package let description: String
    let components: [Component]

    /// The longest pattern, in bytes.
    private static let longest = 1024

    package init(parsing text: String) throws(Invalid) {
        let shown = PrintableText.quoted(text, limit: 60)
        func refuse(_ problem: String) -> Invalid { Invalid(description: "\(problem): \(shown)") }
        guard text.utf8.count <= Self.longest else {
            throw Invalid(description: "a pattern can have at most \(Self.longest) bytes")
        }
        guard text.unicodeScalars.allSatisfy(PrintableText.isPrintable) else {
            throw refuse("a pattern cannot hold control characters or invisible ones")
        }
        if text.hasPrefix("/") { throw refuse("a pattern is a path below the project folder, not an absolute one") }
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.last == "" { parts.removeLast() }
        if parts.isEmpty { throw refuse("a pattern cannot be empty") }
        if parts.contains("..") { throw refuse("a pattern cannot leave the project folder by \"..\"") }
        if parts.contains(".") { throw refuse("a pattern is written without \".\", such as \"target\"") }
        if parts.contains("") { throw refuse("a pattern cannot hold an empty name between two slashes") }
        var components: [Component] = []
        for (index, part) in parts.enumerated() {
            if part == "**" {
                if components.last == .anyFolders { continue }
                components.append(index == parts.count - 1 ? .everything : .anyFolders)
            } else if part.contains("**") {
                throw refuse("\"**\" stands for whole folders, so that nothing else stands beside it")
            } else if let name = NamePattern(part.utf8) {
                components.append(.name(name))
            } else {
                throw refuse("a set such as [a-z] needs its closing bracket and at least one character")
            }
        }
        if components.last == .everything, components.dropLast().last == .anyFolders {
            components.remove(at: components.count - 2)
        }
        description = text
        self.components = components
    }

    // MARK: - Matching, one name after another

    /// Which components may match next: where the reading of a path stands.
    typealias State = Set<Int>

    var start: State { closure([0]) }

    /// Where the reading stands after a name; empty where the path can't match any more.
    func advance(_ state: State, by name: EntryName) -> State {
        var next: State = []
        for index in state where index < components.count {
            switch components[index] {
            case .name(let pattern): if pattern.matches(name) { next.insert(index + 1) }
            case .anyFolders: if !name.isHidden { next.insert(index) }
            case .everything: next.insert(index + 1)
            }
        }
        return closure(next)
    }

    func isMatch(_ state: State) -> Bool { state.contains(components.count) }

    /// Whether a path matches by itself; what lies below one that matches goes with it.
    package func matches(_ path: WorkspacePath) -> Bool {
        isMatch(path.names.reduce(start) { advance($0, by: $1) })
    }

    /// Any number of folders is also none.
    private func closure(_ state: State) -> State {
        var all = state
        for index in state {
            var next = index
            while next < components.count, components[next] == .anyFolders {
                next += 1
                all.insert(next)
            }
        }
        return all
    }
}

/// A name in which `*`, `?` and `[…]` stand for parts.
struct NamePattern: Hashable, Sendable {
    private enum Element: Hashable, Sendable {
        case byte(UInt8)
        /// One character, of as many bytes as it has.
        case anyCharacter
        case anyText
        case set([ClosedRange<UInt8>], isNegated: Bool)
    }

    private let elements: [Element]
    private let writesDot: Bool

    /// - Returns: `nil` where a set is not closed or empty.
    init?(_ text: Substring.UTF8View) {
        var elements: [Element] = []
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"): if elements.last != .anyText { elements.append(.anyText) }
            case UInt8(ascii: "?"): elements.append(.anyCharacter)
            case UInt8(ascii: "["):
                guard let set = Self.set(&rest) else { return nil }
                elements.append(set)
            default: elements.append(.byte(byte))
            }
        }
        self.elements = elements
        writesDot = elements.first == .byte(UInt8(ascii: "."))
    }

    /// Reads what follows `[`, up to its `]`.
    private static func set(_ rest: inout ArraySlice<UInt8>) -> Element? {
        var isNegated = false
        if let first = rest.first, first == UInt8(ascii: "!") || first == UInt8(ascii: "^") {
            isNegated = true
            rest.removeFirst()
        }
        var ranges: [ClosedRange<UInt8>] = []
        while let low = rest.popFirst() {
            // A bracket right at the begin is a member, as in shells.
            if low == UInt8(ascii: "]"), !ranges.isEmpty { return .set(ranges, isNegated: isNegated) }
            guard low < 0x80 else { return nil }
            guard rest.first == UInt8(ascii: "-"), let high = rest.dropFirst().first, high != UInt8(ascii: "]") else {
                ranges.append(low...low)
                continue
            }
            guard low <= high, high < 0x80 else { return nil }
            ranges.append(low...high)
            rest = rest.dropFirst(2)
        }
        return nil
    }

    func matches(_ name: EntryName) -> Bool {
        if name.isHidden, !writesDot { return false }
        let bytes = name.bytes
        var element = 0
        var position = 0
        // Where the last `*` stands, and up to where it has taken text: the one place to go back to.
        var star: (element: Int, position: Int)?
        while position < bytes.count {
            if element < elements.count, elements[element] == .anyText {
                star = (element + 1, position)
                element += 1
            } else if element < elements.count, let length = taken(elements[element], bytes[position...]) {
                element += 1
                position += length
            } else if let last = star {
                star = (last.element, last.position + 1)
                element = last.element
                position = last.position + 1
            } else {
                return false
            }
        }
        return elements[element...].allSatisfy { $0 == .anyText }
    }

    /// How many bytes an element takes; `nil` where it does not match.
    private func taken(_ element: Element, _ bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = bytes.first else { return nil }
        switch element {
        case .byte(let byte): return byte == first ? 1 : nil
        case .anyCharacter: return Self.characterLength(bytes)
        case .set(let ranges, let isNegated):
            let isMember = ranges.contains { $0.contains(first) }
            return isMember == isNegated ? nil : isNegated ? Self.characterLength(bytes) : 1
        case .anyText: return nil
        }
    }

    /// The bytes of the first character; 1 for what is no UTF-8.
    private static func characterLength(_ bytes: ArraySlice<UInt8>) -> Int {
        1 + bytes.dropFirst().prefix(3).prefix { $0 & 0xC0 == 0x80 }.count
    }
}
