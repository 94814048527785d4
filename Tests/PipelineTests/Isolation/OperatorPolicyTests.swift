import RoostCore
import Testing

@testable import Pipeline

@Suite("What only the operator allows")
struct OperatorPolicyTests {
    private let file = """
        stages_order = ["s"]
        [pipeline.security]
        cap_add = ["SYS_ADMIN"]
        [stages.s.steps.a]
        image = "x"
        [stages.s.steps.b]
        image = "x"
        network = "host"
        [stages.s.steps.c]
        image = "x"
        security = { cap_add = [] }
        """

    @Test("each place of the file is refused once, with what to set where; what a step replaces is not asked for")
    func refusals() throws {
        let steps = try #require(parsePipeline(file).definition).steps
        #expect(
            OperatorPolicy().refusals(of: steps, file: "roost.toml").map(\.description) == [
                "roost.toml:3:12: error: pipeline.security.cap_add[0]: cap_add = SYS_ADMIN can give a step the host's "
                    + "root, which the operator has to allow: allow_privileged = true in config.toml, "
                    + "ROOST_ALLOW_PRIVILEGED=true, or --allow-privileged",
                "roost.toml:8:1: error: stages.s.steps.b.network: network = \"host\" gives a step the host's own network, "
                    + "what listens on loopback only included, which the operator has to allow: "
                    + "allow_host_network = true in config.toml, ROOST_ALLOW_HOST_NETWORK=true, or --allow-host-network",
            ]
        )
        #expect(OperatorPolicy().refusals(of: steps.filter { $0.id.step == "c" }, file: "f").isEmpty)
    }

    @Test("each permission allows its own demands and no others")
    func permissions() throws {
        let steps = try #require(parsePipeline(file).definition).steps
        for permission in OperatorPermission.allCases {
            let left = OperatorPolicy([permission]).refusals(of: steps, file: "f")
            #expect(left.count == 1)
            #expect(!left.contains { $0.message.contains(permission.setting) })
        }
        #expect(OperatorPolicy(Set(OperatorPermission.allCases)).refusals(of: steps, file: "f").isEmpty)
    }

    @Test("no key of a pipeline's file is one of the operator's", arguments: OperatorPermission.allCases)
    func ownKeys(permission: OperatorPermission) {
        for table in ["", "[pipeline]", "[pipeline.security]", "[workspace]"] {
            let (definition, diagnostics) = parsePipeline(
                "\(table.isEmpty ? "\(permission.setting) = true" : "")\nstages_order = [\"s\"]\n"
                    + (table.isEmpty ? "" : "\(table)\n\(permission.setting) = true\n")
                    + "[stages.s.steps.x]\nimage = \"x\"\n"
            )
            #expect(definition == nil)
            #expect(diagnostics.contains { $0.contains("unknown key") })
        }
    }
}
