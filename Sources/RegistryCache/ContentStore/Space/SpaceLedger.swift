import OCIDistribution
import RoostCore

/// Who takes how many bytes: the account that the cap is held by.
///
/// A fill's bytes are taken, all of them, before its first one is written.
struct SpaceLedger: Hashable, Sendable {
    struct Reservation: Hashable, Sendable {
        let size: Int64
        /// How many of them are on the disk already.
        var written: Int64
    }

    /// Whole blobs and manifests.
    private(set) var stored: Int64 = 0
    private(set) var storedCount = 0
    private(set) var quarantined: [Digest: Int64] = [:]
    /// What nobody fills now, but somebody may go on with.
    private(set) var idlePartials: [Digest: Int64] = [:]
    private(set) var reservations: [Digest: Reservation] = [:]

    /// What counts against the cap.
    var used: Int64 {
        stored + quarantined.values.reduce(0, +) + idlePartials.values.reduce(0, +)
            + reservations.values.reduce(0) { $0 + $1.size }
    }

    /// What is promised and not on the disk yet.
    var outstanding: Int64 { reservations.values.reduce(0) { $0 + max(0, $1.size - $1.written) } }

    /// How many bytes have to go first.
    ///
    /// - Parameters:
    ///   - digest: Whose partial, where there is one, is gone on with.
    ///   - size: The whole size of what is to come.
    ///   - limits: The cap, and the floor of free disk.
    ///   - free: What the disk has left.
    /// - Returns: 0 or less where it fits.
    func excess(for digest: Digest?, size: Int64, limits: StoreLimits, free: Int64) -> Int64 {
        let there = digest.flatMap { idlePartials[$0] } ?? 0
        let (total, overflow) = (used - there).addingReportingOverflow(size)
        if overflow { return .max }
        let overCap = total - limits.maxSize.bytes
        let (wanted, tooMuch) = (outstanding + max(0, size - there)).addingReportingOverflow(limits.minFree.bytes)
        if tooMuch { return .max }
        return max(overCap, wanted - free)
    }

    mutating func addStored(_ size: Int64) {
        stored += size
        storedCount += 1
    }

    mutating func removeStored(_ size: Int64) {
        stored -= size
        storedCount -= 1
    }

    mutating func reserve(_ digest: Digest, size: Int64) {
        let written = idlePartials.removeValue(forKey: digest) ?? 0
        reservations[digest] = Reservation(size: size, written: written)
    }

    mutating func wrote(_ digest: Digest, upTo written: Int64) {
        guard let known = reservations[digest]?.written, known < written else { return }
        reservations[digest]?.written = written
    }

    /// The fill is over, and its file is a blob now.
    mutating func commit(_ digest: Digest) {
        guard let reservation = reservations.removeValue(forKey: digest) else { return }
        addStored(reservation.size)
    }

    /// The fill is over; of its file `keeping` bytes stay to be gone on with, `nil` where it is removed.
    mutating func release(_ digest: Digest, keeping length: Int64?) {
        reservations[digest] = nil
        idlePartials[digest] = length
    }

    mutating func addIdlePartial(_ digest: Digest, _ size: Int64) { idlePartials[digest] = size }
    mutating func removeIdlePartial(_ digest: Digest) { idlePartials[digest] = nil }

    mutating func addQuarantined(_ digest: Digest, _ size: Int64) { quarantined[digest] = size }
    mutating func removeQuarantined(_ digest: Digest) { quarantined[digest] = nil }
}
