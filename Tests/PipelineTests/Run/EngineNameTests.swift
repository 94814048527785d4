import DockerEngine
import Foundation
import Testing

@testable import Pipeline

struct EngineNameTests {
    @Test(
        "an engine is named in a run's first line whatever it says of itself",
        arguments: [
            (
                #""Platform":{"Name":"Docker Engine - Community"},"Components":[{"Name":"Engine"}]"#,
                "Docker Engine - Community"
            ),
            // Debian's build.
            (#""Platform":{"Name":""},"Components":[{"Name":"Engine"},{"Name":"containerd"}]"#, "Docker Engine"),
            (#""Platform":{"Name":"linux/amd64/debian-12"},"Components":[{"Name":"Podman Engine"}]"#, "Podman Engine"),
            (#""Os":"linux""#, "Docker Engine"),
        ]
    )
    func name(fields: String, expected: String) throws {
        let answer = Data(#"{"Version":"1.2.3","ApiVersion":"1.41",\#(fields)}"#.utf8)
        let about = try JSONDecoder().decode(EngineVersion.self, from: answer)
        #expect(PipelineRun.name(of: about) == expected)
    }
}
