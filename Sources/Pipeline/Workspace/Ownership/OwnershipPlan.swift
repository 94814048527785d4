/// What is given to another owner and what is left, decided from the facts alone.
struct OwnershipPlan: Hashable, Sendable {
    let given: [ForeignEntry]
    /// Files with names elsewhere too, which may be somebody else's business.
    let left: [WorkspacePath]
    /// Folders that have to be given, with the folders within, before anybody can look into them.
    let closed: [WorkspacePath]

    init(_ facts: OwnershipFacts) {
        var given: [ForeignEntry] = []
        var left: [WorkspacePath] = []
        for entry in facts.entries.sorted(by: { $0.path < $1.path }) {
            if entry.status.hasOtherNames, facts.namesFound[entry.status.identity] ?? 0 < Int(entry.status.links) {
                left.append(entry.path)
            } else {
                given.append(entry)
            }
        }
        self.given = given
        self.left = left
        closed = facts.closed.sorted()
    }

    var isEmpty: Bool { given.isEmpty && left.isEmpty && closed.isEmpty }
}
