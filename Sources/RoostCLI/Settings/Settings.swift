import Pipeline
import RoostCore

/// What a person sets once for all calls: how Roost pulls, how much it runs at once, how it looks.
struct Settings: Hashable, Sendable {
    var maxConcurrentPulls: Int
    var pullTimeout: Duration
    var offline: Bool
    var maxParallel: Int
    var memoryBudget: MemoryBudget
    var keepRuns: Int
    var keepRunsFor: Duration
    /// What pipelines may do that only the operator can allow.
    var policy: OperatorPolicy
    var color: ColorChoice
}

/// One setting: its name in files, and what follows from it.
enum SettingKey: String, CaseIterable, Sendable {
    case maxConcurrentPulls = "max_concurrent_pulls"
    case pullTimeout = "pull_timeout"
    case offline
    case maxParallel = "max_parallel"
    case memoryBudget = "memory_budget"
    case keepRuns = "keep_runs"
    case keepRunsFor = "keep_runs_for"
    case allowPrivileged = "allow_privileged"
    case allowHostNetwork = "allow_host_network"
    case color

    enum Kind: Sendable {
        case number(ClosedRange<Int>)
        case duration
        case flag
        case budget
        case word([String])
    }

    var kind: Kind {
        switch self {
        case .maxConcurrentPulls: .number(1...100)
        case .maxParallel: .number(PipelineDefinition.possibleMaxParallel)
        case .keepRuns: .number(1...1_000_000)
        case .pullTimeout, .keepRunsFor: .duration
        case .offline, .allowPrivileged, .allowHostNetwork: .flag
        case .memoryBudget: .budget
        case .color: .word(ColorChoice.allCases.map(\.rawValue))
        }
    }

    /// The variable that sets it: `ROOST_MAX_PARALLEL`.
    var variable: String { "ROOST_" + rawValue.uppercased() }

    /// The command line's option: `--max-parallel`.
    var option: String { "--" + rawValue.replacing("_", with: "-") }

    var summary: String {
        switch self {
        case .maxConcurrentPulls: "how many images are pulled at once"
        case .pullTimeout: "how long the pull of one image may take"
        case .offline: "whether no registry is asked for anything"
        case .maxParallel: "how many steps of a stage run at once, where the pipeline does not say"
        case .memoryBudget: "how much memory running steps may be promised, where the pipeline does not say"
        case .keepRuns: "of how many runs of a project the logs and reports are kept"
        case .keepRunsFor: "how long the logs and reports of a run are kept"
        case .allowPrivileged:
            "whether pipelines may have privileged steps, devices, every capability, and no seccomp"
        case .allowHostNetwork: "whether pipelines may have steps in the host's network"
        case .color: "whether text is coloured"
        }
    }

    /// What it is where nothing sets it.
    ///
    /// - Parameter processors: How many processors this machine has: as many steps run side by side, and at least four,
    ///   since steps wait for networks and disks as well.
    /// - Returns: The default.
    func standard(processors: Int) -> SettingValue {
        switch self {
        case .maxConcurrentPulls: .number(4)
        case .pullTimeout: .duration(.seconds(30 * 60))
        case .offline, .allowPrivileged, .allowHostNetwork: .flag(false)
        case .maxParallel: .number(min(max(processors, 4), PipelineDefinition.possibleMaxParallel.upperBound))
        case .memoryBudget: .budget(.standard)
        case .keepRuns: .number(50)
        case .keepRunsFor: .duration(.seconds(30 * 86_400))
        case .color: .word(ColorChoice.auto.rawValue)
        }
    }
}

/// The value of a setting, of the kind that its key asks for.
enum SettingValue: Hashable, Sendable {
    case number(Int)
    case duration(Duration)
    case flag(Bool)
    case budget(MemoryBudget)
    case word(String)

    /// Reads the text of an environment variable or an option.
    ///
    /// - Throws: ``Mismatch`` with what would have been right.
    init(parsing text: String, for key: SettingKey) throws(Mismatch) {
        let trimmed = text.trimmingWhitespace
        switch key.kind {
        case .number(let range):
            guard let number = Int(trimmed), range.contains(number) else {
                throw Mismatch(expected: "a whole number from \(range.lowerBound) to \(range.upperBound)", text: text)
            }
            self = .number(number)
        case .duration:
            guard let duration = DurationText.parse(trimmed), duration > .zero else {
                throw Mismatch(expected: "a duration above zero such as 90s, 30m or 1h30m", text: text)
            }
            self = .duration(duration)
        case .flag:
            switch trimmed.lowercased() {
            case "true", "1", "yes", "on": self = .flag(true)
            case "false", "0", "no", "off": self = .flag(false)
            default: throw Mismatch(expected: "true or false", text: text)
            }
        case .budget:
            guard let budget = MemoryBudget(parsing: trimmed) else {
                throw Mismatch(expected: "a size such as 8gb, or a percentage such as 80%", text: text)
            }
            self = .budget(budget)
        case .word(let words):
            guard words.contains(trimmed) else {
                throw Mismatch(expected: "one of \(words.joined(separator: ", "))", text: text)
            }
            self = .word(trimmed)
        }
    }

    /// A text that is no value of a setting.
    struct Mismatch: Error, Hashable, CustomStringConvertible {
        let expected: String
        let text: String

        var description: String { "expected \(expected), found \(PrintableText.quoted(text, limit: 40))" }
    }

    /// The value as files write it, without quotes.
    var text: String {
        switch self {
        case .number(let number): String(number)
        case .duration(let duration): DurationText.format(duration)
        case .flag(let flag): String(flag)
        case .budget(let budget): budget.written
        case .word(let word): word
        }
    }
}

extension String {
    fileprivate var trimmingWhitespace: String {
        let start = trimmingPrefix(while: \.isWhitespace)
        return String(start.reversed().trimmingPrefix(while: \.isWhitespace).reversed())
    }
}
