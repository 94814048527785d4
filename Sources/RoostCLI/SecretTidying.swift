import Foundation
import Pipeline

/// Removes the files of secrets that killed runs left in memory.
enum SecretTidying {
    /// Removes them, and says what could not be removed. What is removed is no news: nobody can use it any more.
    static func tidyUp() async {
        for left in SecretPlace.reap(environment: ProcessInfo.processInfo.environment) {
            if let problem = left.problem {
                await RoostCommandLine.complain("the secrets that a killed run left can't be removed: \(problem)")
            }
        }
    }
}
