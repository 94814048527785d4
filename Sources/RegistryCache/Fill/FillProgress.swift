/// How often and after which pauses a fill is gone on with.
package struct FillPatience: Hashable, Sendable {
    /// How many bodies may end too early in one fill.
    package let mostCuts: Int
    /// How many of them one after another may have brought nothing.
    package let mostInVain: Int
    /// Before the first further attempt; doubled with each in vain.
    package let firstPause: Duration
    package let longestPause: Duration

    package init(
        mostCuts: Int = 32,
        mostInVain: Int = 4,
        firstPause: Duration = .milliseconds(250),
        longestPause: Duration = .seconds(8)
    ) {
        self.mostCuts = mostCuts
        self.mostInVain = mostInVain
        self.firstPause = firstPause
        self.longestPause = longestPause
    }
}

/// How far a fill has come, and what comes next. It decides only; bytes are moved by whoever asks it.
struct FillProgress: Sendable {
    enum Next: Sendable {
        /// All bytes are there: is it the digest that was asked for?
        case check
        /// The rest is asked for, after a pause.
        case goOn(after: Duration)
        /// It has failed; so many bytes are worth keeping.
        case fail(UpstreamError, keeping: Int64)
    }

    /// The whole size in bytes.
    let size: Int64
    let patience: FillPatience
    /// How many bytes from the start are there.
    private(set) var written: Int64
    private(set) var isChecked = false
    private var cuts = 0
    private var inVain = 0
    /// How many bytes of the body that comes in are there already.
    private var surplus: Int64 = 0
    private var writtenBefore: Int64 = 0

    init(size: Int64, written: Int64 = 0, patience: FillPatience = FillPatience()) {
        self.size = size
        self.written = min(max(0, written), size)
        self.patience = patience
    }

    var isWhole: Bool { written == size }

    /// How many bytes may be read: never the last one before the digest has been found right, so that nobody takes for
    /// whole what is not.
    var visible: Int64 { isChecked ? size : max(0, min(written, size - 1)) }

    /// A body begins.
    ///
    /// - Throws: ``UpstreamError/invalid(_:)`` where it is not the one that was asked for.
    mutating func begin(_ start: Int64, totalSize: Int64?) throws(UpstreamError) {
        if let totalSize, totalSize != size {
            throw .invalid("the blob has \(totalSize) bytes now, and had \(size) before")
        }
        guard start >= 0, start <= written else {
            throw .invalid("bytes from \(start) on were sent, and those from \(written) on were asked for")
        }
        surplus = written - start
        writtenBefore = written
    }

    /// Bytes have come in.
    ///
    /// - Parameter count: How many.
    /// - Returns: How many of them, from the start, are there already; the others are to be written at ``written``, and
    ///   count as written by this.
    /// - Throws: ``UpstreamError/invalid(_:)`` where there are more than there should be.
    mutating func take(_ count: Int) throws(UpstreamError) -> Int {
        let known = Int(min(Int64(count), surplus))
        surplus -= Int64(known)
        guard Int64(count - known) <= size - written else {
            throw .invalid("more than the \(size) bytes were sent that were said")
        }
        written += Int64(count - known)
        return known
    }

    /// A body has ended, or could not be had.
    ///
    /// - Parameters:
    ///   - error: Why; `nil` where it just ended.
    ///   - jitter: Between 0 and 1; spreads the pauses of many.
    /// - Returns: What comes next.
    mutating func ended(_ error: UpstreamError?, jitter: Double) -> Next {
        if isWhole { return .check }
        if let error {
            switch error {
            case .unavailable, .timedOut, .tooSlow: break
            // What is there may be another blob's.
            case .invalid, .digestMismatch, .tooLarge: return .fail(error, keeping: 0)
            case .unknownUpstream, .notFound, .unauthorized, .forbidden, .rateLimited, .resting, .cancelled:
                return .fail(error, keeping: written)
            }
        }
        cuts += 1
        inVain = written > writtenBefore ? 0 : inVain + 1
        writtenBefore = written
        guard inVain < patience.mostInVain, cuts < patience.mostCuts else {
            // An upstream that says it is done, over and over, has not what it said: the length is wrong.
            let isShort = error == nil && inVain >= patience.mostInVain
            return .fail(
                error ?? .unavailable("the blob was cut at \(written) of \(size) bytes"),
                keeping: isShort ? 0 : written
            )
        }
        let pause = min(patience.longestPause, patience.firstPause * (1 << min(inVain, 16)))
        return .goOn(after: pause * (0.5 + jitter / 2))
    }

    /// All bytes have been compared with the digest, and are right.
    mutating func checked() { isChecked = true }
}
