/// A text that is no image reference.
package struct ImageReferenceError: Error, Hashable, CustomStringConvertible {
    package enum Problem: Error, Hashable, Sendable {
        case empty
        case tooLong
        /// The text begins with a dash and would be taken for an option.
        case leadingDash
        /// A space, a control character, or anything beyond ASCII.
        case character
        /// The 64 hexadecimal digits of an image id.
        case imageID
        case registry
        case repository
        case uppercase
        case repositoryTooLong
        case tag
        case digest(DigestError)
    }

    /// The text, safe to print.
    package let text: QuotedText
    package let problem: Problem

    package var description: String {
        "\(text) is not an image reference: \(reason); one looks like alpine:3.20 or registry.example:5000/team/tool:1.0"
    }

    private var reason: String {
        switch problem {
        case .empty: "it is empty"
        case .tooLong: "it is too long"
        case .leadingDash: "it begins with a dash"
        case .character: "it holds a space, a control character or a character beyond ASCII"
        case .imageID: "it is an image id, which names no repository"
        case .registry: "its first part is no valid host name and port"
        case .repository:
            "a repository has parts of lowercase letters and digits, with single '.', '_', '__' or dashes between them"
        case .uppercase: "a repository must be in lowercase"
        case .repositoryTooLong: "a repository has at most \(ReferenceGrammar.longestRepository) characters"
        case .tag: "a tag has at most 128 letters, digits, '_', '.' and '-', and begins with neither '.' nor '-'"
        case .digest(let error): error.description
        }
    }
}
