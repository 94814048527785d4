import OCIDistribution

/// All images of a pull that can't be had, found out before anything was pulled or created.
package struct PullFailures: Error, Sendable, CustomStringConvertible {
    /// In the order of need; never empty.
    package let failures: [PullFailure]

    package init(_ failures: [PullFailure]) {
        self.failures = failures
    }

    /// One line an image; those that are only missing share one.
    package var description: String {
        let missing = failures.filter { $0.kind == .missingOffline }
        let others = failures.filter { $0.kind != .missingOffline }.map(\.description)
        return (others + Self.missingLines(missing)).joined(separator: "\n")
    }

    private static func missingLines(_ failures: [PullFailure]) -> [String] {
        var messages: [String] = []
        var images: [String: [String]] = [:]
        for failure in failures {
            if images[failure.message] == nil { messages.append(failure.message) }
            images[failure.message, default: []].append(failure.image.familiar)
        }
        return messages.map { "\((images[$0] ?? []).joined(separator: ", ")): \($0)" }
    }
}

extension PullFailure {
    /// The same failure, told of the image as it was asked for.
    func of(_ image: ImageReference) -> PullFailure {
        PullFailure(image: image, kind: kind, message: message, isDefinite: isDefinite)
    }
}
