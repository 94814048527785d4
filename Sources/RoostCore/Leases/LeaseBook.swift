package import Foundation

/// What something is in use for.
package enum LeaseKind: String, Sendable, Hashable, CaseIterable {
    case run, pull, build, warm, session
}

/// Says that something is in use now. It ends when it is released or its owner dies, and never by a clock.
package struct Lease: Hashable, Sendable {
    package let number: Int64
    package let engine: EngineID
    package let kind: LeaseKind
    /// What is in use, such as an image's ID.
    package let subject: String
    package let owner: OwnerIdentity
    /// For people; nothing is decided by it.
    package let takenAt: Date

    package init(
        number: Int64,
        engine: EngineID,
        kind: LeaseKind,
        subject: String,
        owner: OwnerIdentity,
        takenAt: Date
    ) {
        self.number = number
        self.engine = engine
        self.kind = kind
        self.subject = subject
        self.owner = owner
        self.takenAt = takenAt
    }
}

/// The leases on what one engine has, of all processes that use it through one state folder.
///
/// Calls are short and go on when their task is cancelled, so that a release works in every clean-up.
package protocol LeaseBook: Sendable {
    /// Takes a lease for this process. Any number of leases may lie on one subject.
    ///
    /// - Throws: Where the lease can't be recorded; nothing is in use then as far as others can see.
    func take(_ kind: LeaseKind, on subject: String) async throws -> Lease
    /// Ends a lease; one that has ended already is no error.
    func release(_ lease: Lease) async throws
    /// The leases of owners that may still live, in the order in which they were taken.
    func leases() async throws -> [Lease]
}

extension LeaseBook {
    /// Runs `body` while a lease lies on the subject.
    ///
    /// - Throws: What `body` throws, else what taking or releasing throws.
    package func withLease<Value: Sendable>(
        _ kind: LeaseKind,
        on subject: String,
        body: () async throws -> Value
    ) async throws -> Value {
        let lease = try await take(kind, on: subject)
        let value: Value
        do {
            value = try await body()
        } catch {
            // The body's error is the one to tell; a lease that stays ends with this process.
            try? await release(lease)
            throw error
        }
        try await release(lease)
        return value
    }
}
