/// How one thing is.
package enum Verdict: String, Sendable, Comparable, CaseIterable {
    case ok
    /// It works, less well than it could.
    case warn
    /// Something that Roost promises or needs does not work.
    case fail

    package static func < (left: Verdict, right: Verdict) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .ok: 0
        case .warn: 1
        case .fail: 2
        }
    }
}

/// One thing that was examined.
package struct Check: Hashable, Sendable {
    /// The checks' stable names; `docs/doctor.md` describes each.
    package enum ID: String, Sendable, CaseIterable {
        case engine
        case apiVersion = "api_version"
        case connection
        case place
        case clock
        case storageDriver = "storage_driver"
        case diskSpace = "disk_space"
        case diskInodes = "disk_inodes"
        case memoryLimit = "memory_limit"
        case swapLimit = "swap_limit"
        case initProgram = "init"
        case mirror
        case unpigz
        case logins
        case stateFolder = "state_folder"
        case logFolder = "log_folder"
    }

    package let id: ID
    package let verdict: Verdict
    /// What was seen, and what it leads to where that is bad.
    package let detail: String
    /// What to do; there is one for each warning and failure, and none where all is well.
    package let remedy: Remedy?

    /// What people call it.
    package var title: String {
        switch id {
        case .engine: "engine"
        case .apiVersion: "API version"
        case .connection: "connection"
        case .place: "engine's place"
        case .clock: "clock"
        case .storageDriver: "storage driver"
        case .diskSpace: "disk space"
        case .diskInodes: "inodes"
        case .memoryLimit: "memory limit"
        case .swapLimit: "swap limit"
        case .initProgram: "init program"
        case .mirror: "mirror"
        case .unpigz: "unpigz"
        case .logins: "logins"
        case .stateFolder: "state folder"
        case .logFolder: "log folder"
        }
    }

    static func ok(_ id: ID, _ detail: String) -> Check {
        Check(id: id, verdict: .ok, detail: detail, remedy: nil)
    }

    static func warn(_ id: ID, _ detail: String, _ remedy: Remedy) -> Check {
        Check(id: id, verdict: .warn, detail: detail, remedy: remedy)
    }

    static func fail(_ id: ID, _ detail: String, _ remedy: Remedy) -> Check {
        Check(id: id, verdict: .fail, detail: detail, remedy: remedy)
    }
}

/// What to do about a warning or a failure.
package struct Remedy: Hashable, Sendable {
    /// Something to copy.
    package enum Step: Hashable, Sendable {
        /// For a shell.
        case command(String)
        /// To be put into a file.
        case line(String, file: String)
    }

    /// What the steps do.
    package let advice: String
    /// In this order; never empty.
    package let steps: [Step]

    init(_ advice: String, _ first: Step, _ more: Step...) {
        self.advice = advice
        steps = [first] + more
    }

    init(_ advice: String, _ first: Step, then more: [Step]) {
        self.advice = advice
        steps = [first] + more
    }
}
