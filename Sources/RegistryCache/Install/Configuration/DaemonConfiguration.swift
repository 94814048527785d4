/// The text of Docker's `daemon.json`, of which the mirrors can be changed and nothing else is.
package struct DaemonConfiguration: Hashable, Sendable {
    /// Why a file can't be used. Each says what to change in it.
    package enum Problem: Error, Hashable, CustomStringConvertible {
        case notJSON(JSONTextError)
        case notAnObject
        case repeatedKey(String)
        case mirrorsAreNoList
        case badMirror(String, MirrorURL.Problem)

        package var description: String {
            switch self {
            case .notJSON(let error): "it is not valid JSON: \(error)"
            case .notAnObject: "it is no JSON object: it has to begin with { and end with }"
            case .repeatedKey(let key): "it has the key '\(key)' twice: remove one"
            case .mirrorsAreNoList: "'registry-mirrors' is no list of strings"
            case .badMirror(let text, let problem):
                "the mirror '\(text)' in it \(problem), so that dockerd would refuse the file: correct or remove it"
            }
        }
    }

    package static let mirrorsKey = "registry-mirrors"

    /// The file as it is.
    package let bytes: [UInt8]
    /// The keys of the outermost object, in their order.
    package let keys: [String]
    /// The mirrors that the file names, in their order; empty where it has none.
    package let mirrors: [MirrorURL]
    private let root: JSONNode
    private let members: [JSONNode.Member]

    /// - Parameter bytes: The file. An empty one counts as an empty object.
    /// - Throws: ``Problem``.
    package init(_ bytes: [UInt8]) throws(Problem) {
        self.bytes = bytes
        if bytes.allSatisfy(JSONTextReader.isBlank) {
            root = JSONNode(range: 0..<bytes.count, content: .object([]))
        } else {
            do throws(JSONTextError) {
                root = try JSONTextReader.read(bytes)
            } catch {
                throw .notJSON(error)
            }
        }
        guard case .object(let members) = root.content else { throw .notAnObject }
        self.members = members
        keys = members.map(\.key)
        // Readers differ in which of two they take: what is checked must be what is used.
        var seen: Set<String> = []
        for key in keys where !seen.insert(key).inserted { throw .repeatedKey(key) }
        mirrors = try Self.mirrors(members.first { $0.key == Self.mirrorsKey }?.value)
    }

    private static func mirrors(_ node: JSONNode?) throws(Problem) -> [MirrorURL] {
        guard let node, node.content != .null else { return [] }
        guard case .array(let elements) = node.content else { throw .mirrorsAreNoList }
        var mirrors: [MirrorURL] = []
        for element in elements {
            guard case .string(let text) = element.content else { throw .mirrorsAreNoList }
            do throws(MirrorURL.Problem) {
                mirrors.append(try MirrorURL(text))
            } catch {
                throw .badMirror(text, error)
            }
        }
        return mirrors
    }

    /// The file with this mirror before all others, instead of another one that Roost had put there.
    ///
    /// - Returns: The new bytes; the old ones where the mirror is named already and `former` is not.
    package func naming(_ mirror: MirrorURL, insteadOf former: MirrorURL? = nil) -> [UInt8] {
        if let former, former != mirror, mirrors.contains(former) {
            // An edit of a document that was understood leaves one that is.
            guard let rest = try? DaemonConfiguration(without(former)) else { return bytes }
            return rest.naming(mirror)
        }
        guard !mirrors.contains(mirror) else { return bytes }
        let quoted = Array("\"\(mirror.text)\"".utf8)
        guard let member = members.first(where: { $0.key == Self.mirrorsKey }) else {
            return setting(Self.mirrorsKey, to: [UInt8(ascii: "[")] + quoted + [UInt8(ascii: "]")])
        }
        guard case .array(let elements) = member.value.content, let first = elements.first else {
            return replacing(member.value.range, by: [UInt8(ascii: "[")] + quoted + [UInt8(ascii: "]")])
        }
        let blanks = Array(bytes[(member.value.range.lowerBound + 1)..<first.range.lowerBound])
        let gap = blanks.isEmpty ? [UInt8(ascii: " ")] : blanks
        return replacing(
            first.range.lowerBound..<first.range.lowerBound,
            by: quoted + [UInt8(ascii: ",")] + gap
        )
    }

    /// The file without this mirror. A list that becomes empty stays, since dockerd clears its mirrors for an empty list
    /// and keeps them for a missing one.
    package func without(_ mirror: MirrorURL) -> [UInt8] {
        guard let member = members.first(where: { $0.key == Self.mirrorsKey }),
            case .array(let elements) = member.value.content,
            let index = mirrors.firstIndex(of: mirror)
        else { return bytes }
        let cut: Range<Int>
        if elements.count == 1 {
            return replacing(member.value.range, by: Array("[]".utf8))
        } else if index + 1 < elements.count {
            cut = elements[index].range.lowerBound..<elements[index + 1].range.lowerBound
        } else {
            cut = elements[index - 1].range.upperBound..<elements[index].range.upperBound
        }
        let rest = replacing(cut, by: [])
        // Named twice, it has to go twice.
        guard let again = try? DaemonConfiguration(rest), again.mirrors.contains(mirror) else { return rest }
        return again.without(mirror)
    }

    /// The file with a value in place of a key's, or as its last member, in the manner of the others.
    ///
    /// - Parameters:
    ///   - key: A key that needs no escapes.
    ///   - value: A JSON value.
    /// - Returns: The new bytes.
    package func setting(_ key: String, to value: [UInt8]) -> [UInt8] {
        if let member = members.first(where: { $0.key == key }) { return replacing(member.value.range, by: value) }
        let quoted = Array("\"\(key)\"".utf8)
        guard let last = members.last else {
            let object = Array("{\n  ".utf8) + quoted + Array(": ".utf8) + value + Array("\n}".utf8)
            // What stands around the braces stays; a file of nothing gets the line's end that files have.
            return bytes[root.range].contains(UInt8(ascii: "{"))
                ? replacing(root.range, by: object) : object + [UInt8(ascii: "\n")]
        }
        var start = last.keyRange.lowerBound
        while start > 0, JSONTextReader.isBlank(bytes[start - 1]) { start -= 1 }
        var before = Array(bytes[start..<last.keyRange.lowerBound])
        // After the brace of a one-line object stands nothing, after a comma usually a blank.
        if before.isEmpty, members.count == 1, bytes[last.keyRange.upperBound + 1] == 0x20 { before = [0x20] }
        let colon = Array(bytes[last.keyRange.upperBound..<last.value.range.lowerBound])
        let end = last.value.range.upperBound
        return replacing(end..<end, by: [UInt8(ascii: ",")] + before + quoted + colon + value)
    }

    private func replacing(_ range: Range<Int>, by new: [UInt8]) -> [UInt8] {
        Array(bytes[..<range.lowerBound]) + new + Array(bytes[range.upperBound...])
    }
}
