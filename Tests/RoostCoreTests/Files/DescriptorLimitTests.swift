import RoostCore
import Testing

@Suite("The limit of descriptors")
struct DescriptorLimitTests {
    @Test(
        "the soft limit goes up to the hard one, to 65,536 at most, and never down",
        arguments: [
            (soft: 64, hard: 64, raised: 64), (64, 4096, 4096), (1024, 65_536, 65_536), (1024, 1_048_576, 65_536),
            (1024, Int.max, 65_536), (100_000, 1_048_576, 100_000), (4096, 4096, 4096),
        ]
    )
    func raised(soft: Int, hard: Int, raised: Int) {
        #expect(DescriptorLimit(soft: soft, hard: hard).raised == DescriptorLimit(soft: raised, hard: hard))
    }

    @Test("the process's own limit and its open descriptors can be read")
    func current() throws {
        let limit = try #require(DescriptorLimit.current)
        let open = try #require(DescriptorLimit.countOpen())
        #expect(limit.soft <= limit.hard)
        // Standard input, output and error, and what the tests have open.
        #expect((3...limit.soft).contains(open))
    }
}
