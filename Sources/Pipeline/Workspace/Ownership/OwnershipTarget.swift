import Foundation

/// Whom the files belong to that steps make.
struct OwnershipTarget: Hashable, Sendable {
    let owner: FileOwner
    /// Whether that is the owner of the project folder itself, by user and group.
    let isFoldersOwner: Bool

    /// Who runs Roost, as far as it matters here.
    struct Caller: Hashable, Sendable {
        var user: uid_t
        var group: gid_t
        /// `SUDO_UID`, where it is a number.
        var sudoUser: uid_t?

        static var current: Caller {
            Caller(
                user: geteuid(),
                group: getegid(),
                sudoUser: ProcessInfo.processInfo.environment["SUDO_UID"].flatMap { uid_t($0) }
            )
        }
    }

    /// Decides whose the files become.
    ///
    /// - Parameters:
    ///   - caller: Who runs Roost.
    ///   - folder: The project folder.
    /// - Returns: `nil` where they stay as they are: root's own runs, but for those on behalf of the folder's owner.
    static func decide(_ caller: Caller, folder: FileOwner) -> OwnershipTarget? {
        if caller.user != 0 {
            // In a folder of one's own, files belong to the folder's group, which may be a shared one.
            guard folder.user == caller.user else {
                return OwnershipTarget(owner: FileOwner(user: caller.user, group: caller.group), isFoldersOwner: false)
            }
            return OwnershipTarget(owner: folder, isFoldersOwner: true)
        }
        guard let user = caller.sudoUser, user != 0, folder.user == user else { return nil }
        return OwnershipTarget(owner: folder, isFoldersOwner: true)
    }
}
