import RoostCore

/// What a run waits for that other runs have been promised.
struct MemoryWait: CustomStringConvertible {
    private let request: AdmissionRequest
    private let budget: ByteCount
    private let promises: [PromisedMemory]

    /// - Returns: `nil` where no other run has any: then the run waits for itself, which is not worth a word.
    init?(_ request: AdmissionRequest, budget: ByteCount, promises: [PromisedMemory]) {
        guard promises.contains(where: { $0.run != request.run }) else { return nil }
        self.request = request
        self.budget = budget
        self.promises = promises
    }

    var description: String {
        var runs: [String] = []
        var memory: [String: (pid: Int32, bytes: [ByteCount])] = [:]
        for promise in promises {
            if memory[promise.run] == nil { runs.append(promise.run) }
            memory[promise.run, default: (promise.owner.pid, [])].bytes.append(promise.memory)
        }
        let shares = runs.compactMap { run in
            memory[run].map { share in
                let who =
                    run == request.run
                    ? "this run" : "run \(PrintableText.quoted(run, limit: 80)) (process \(share.pid))"
                return "\(ByteCount(saturatingSum: share.bytes)) to \(who)"
            }
        }
        let sum = ByteCount(saturatingSum: promises.map(\.memory))
        return "\(request.step) waits for \(request.memory) of memory: of the budget of \(budget), \(sum) is promised: "
            + shares.joined(separator: ", ")
    }
}
