import Foundation
import RoostCLI

@main
struct Roost {
    static func main() async {
        exit(await RoostCommandLine.run(Array(CommandLine.arguments.dropFirst())))
    }
}
