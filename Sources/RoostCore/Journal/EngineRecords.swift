/// What is written down about one engine, for this process.
package struct EngineRecords: Sendable {
    package let engine: EngineID
    package let journal: any Journal
    package let leases: any LeaseBook
    package let admissions: any AdmissionLedger

    package init(
        engine: EngineID,
        journal: any Journal,
        leases: any LeaseBook,
        admissions: any AdmissionLedger
    ) {
        self.engine = engine
        self.journal = journal
        self.leases = leases
        self.admissions = admissions
    }
}
