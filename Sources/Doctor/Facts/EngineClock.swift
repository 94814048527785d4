import DockerEngine
import Foundation

/// Compares the engine's clock with this machine's.
enum EngineClock {
    /// How far the engine's clock is ahead.
    ///
    /// The engine read its clock at some moment between the request and its answer; a time within that span, give or take a
    /// hundredth of a second, is no difference.
    ///
    /// - Parameters:
    ///   - text: The engine's time, RFC 3339 with up to nine decimals.
    ///   - before: This machine's time when the request was sent.
    ///   - after: This machine's time when the answer was there.
    /// - Returns: `nil` where the text is no time.
    static func offset(of text: String, between before: Date, and after: Date) -> Duration? {
        guard let time = EngineTime.parse(text) else { return nil }
        let tolerance = 0.01
        let ahead = time.timeIntervalSince(after)
        let behind = before.timeIntervalSince(time)
        if ahead > tolerance { return .seconds(ahead) }
        return behind > tolerance ? .zero - .seconds(behind) : .zero
    }
}
