/// Why a container could not be parked, or did not stay so. Nothing of its command has run: a plain start is what remains.
package enum NotParkable: Error, Sendable, CustomStringConvertible {
    /// The image has no shell, or one that can't be executed.
    case noShell(code: Int)
    case startFailed(any Error)
    /// It ended before its release: somebody stopped it, or its shell can't run the gate.
    case endedEarly(remarks: String)
    case connectionLost(any Error)

    package var description: String {
        switch self {
        case .noShell(let code): "its image has no usable \(ContainerGate.shell) (exit code \(code))"
        case .startFailed(let error): "it could not be started: \(error)"
        case .endedEarly(let remarks): "it ended before it was released" + (remarks.isEmpty ? "" : ": \(remarks)")
        case .connectionLost(let error): "the connection to it was lost: \(error)"
        }
    }
}

/// How the time of a parked container ended.
package enum ParkedEnd: Sendable {
    /// The command began. `isOutputWhole` is false where the end of its output has to be read from the log.
    case commandRan(isOutputWhole: Bool)
    case notParkable(NotParkable)
    /// Given up before its release.
    case discarded
    /// Released, but whether the command began is not known: see ``GateVerdict``.
    case unclear
}

/// Decides what a parked container's events lead to. A value without I/O.
struct ParkedLifecycle: Sendable {
    enum Event: Sendable {
        case started
        case failed(NotParkable)
        case releaseRequested
        /// Its stream was closed already when the payload was to be sent.
        case notSent
        /// A mark of the gate's was seen.
        case commandBegan
        /// The stream came to its own end.
        case outputEnded(remarks: String)
        case outputLost(any Error)
        case detachRequested
    }

    enum Action: Sendable, Hashable {
        /// Writes the payload.
        case send
        /// Closes the attached stream; a gate that dies with its owner ends.
        case detach
    }

    enum State: Sendable {
        /// Created, attached or starting. A release that has been asked for waits for the start.
        case parking(isReleaseWanted: Bool)
        case parked
        /// The payload is on its way.
        case released
        case running
        case over(ParkedEnd)
    }

    private(set) var state = State.parking(isReleaseWanted: false)

    mutating func handle(_ event: Event) -> [Action] {
        switch (state, event) {
        case (.over, _): return []
        case (.parking(let isReleaseWanted), .started):
            state = isReleaseWanted ? .released : .parked
            return isReleaseWanted ? [.send] : []
        case (.parking, .releaseRequested):
            state = .parking(isReleaseWanted: true)
            return []
        case (.parked, .releaseRequested):
            state = .released
            return [.send]
        case (.parking, .failed(let reason)), (.parked, .failed(let reason)):
            return end(.notParkable(reason))
        case (.parking, .outputEnded(let remarks)), (.parked, .outputEnded(let remarks)):
            return end(.notParkable(.endedEarly(remarks: remarks)))
        case (.parking, .outputLost(let error)), (.parked, .outputLost(let error)):
            return end(.notParkable(.connectionLost(error)))
        case (.parking, .detachRequested), (.parked, .detachRequested):
            return end(.discarded)
        case (.released, .commandBegan):
            state = .running
            return []
        case (.released, .outputEnded), (.released, .outputLost), (.released, .failed), (.released, .detachRequested):
            return end(.unclear)
        case (.released, .notSent):
            return end(.notParkable(.endedEarly(remarks: "")))
        case (.running, .outputEnded):
            return end(.commandRan(isOutputWhole: true))
        case (.running, .outputLost), (.running, .failed), (.running, .detachRequested):
            return end(.commandRan(isOutputWhole: false))
        case (.parked, .started), (.released, .started), (.running, .started), (.released, .releaseRequested),
            (.running, .releaseRequested), (.running, .commandBegan), (.parking, .commandBegan),
            (.parked, .commandBegan), (.parking, .notSent), (.parked, .notSent), (.running, .notSent):
            return []
        }
    }

    private mutating func end(_ end: ParkedEnd) -> [Action] {
        state = .over(end)
        return [.detach]
    }
}

/// Whether a command that was released ever began.
package enum GateVerdict: Sendable, Hashable {
    case began
    /// A plain start can't run it twice.
    case neverBegan
    /// Neither is sure: not to be run again.
    case unknown

    /// - Parameters:
    ///   - hasMark: Whether the output, or the log of the ended container, holds a mark.
    ///   - exitCode: The container's; `nil` where unknown. A gate that could not become the command, and a shell that
    ///     could not be run, have codes of their own. Others, such as 143, may come from an engine that lost a container
    ///     and its output together.
    package init(hasMark: Bool, exitCode: Int?) {
        switch exitCode {
        case _ where hasMark: self = .began
        case ContainerGate.codeWithoutCommand, 126, 127: self = .neverBegan
        default: self = .unknown
        }
    }
}
