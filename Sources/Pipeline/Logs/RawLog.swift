/// The raw log of one attempt of a step, or of a service, where it can be kept.
struct RawLog {
    private let file: StepLogFile?

    /// Its path, for reports; `nil` where it is not kept.
    var path: String? { file?.path }

    /// Makes the file, or tells why there is none.
    ///
    /// - Parameters:
    ///   - name: Whose log it is, for the warning.
    ///   - emit: Told where it can't be kept.
    ///   - make: Makes the file; `nil` where none is wanted.
    /// - Returns: The log, to be closed.
    static func open(
        for name: some CustomStringConvertible,
        emit: @Sendable (RunEvent.Kind) async -> Void,
        make: () throws -> StepLogFile?
    ) async -> RawLog {
        do {
            return RawLog(file: try make())
        } catch {
            await emit(.warning("\(name): its raw log can't be kept: \(error)"))
            return RawLog(file: nil)
        }
    }

    /// Whatever the output reads is written to the file.
    func keep(_ output: StepOutput) {
        if let file { output.keep(in: file) }
    }

    /// Closes the file.
    ///
    /// - Parameter warning: A report's, to which is added what the file lacks.
    func close(addingTo warning: inout String?) {
        do {
            try file?.close()
        } catch {
            warning = String(problems: [warning, "its raw log is incomplete: \(error)"])
        }
    }
}

extension String {
    /// What went wrong, as one sentence; `nil` where nothing did.
    init?(problems: [String?]) {
        let known = problems.compactMap { $0 }
        if known.isEmpty { return nil }
        self = known.joined(separator: "; ")
    }
}
