import RoostCore
import Testing

@Suite("Files of the kernel")
struct KernelFileTests {
    @Test("a file is read to its end, however many reads that takes")
    func whole() throws {
        // Several pages long on every machine, of which one read brings one.
        let symbols = try #require(KernelFile.bytes(of: "/proc/kallsyms"))
        #expect(symbols.count > 64 << 10)
        #expect(try #require(KernelFile.text(of: "/proc/self/comm")).hasSuffix("\n"))
    }

    @Test("a file that isn't there has no content")
    func missing() {
        #expect(KernelFile.bytes(of: "/proc/self/none") == nil)
        #expect(KernelFile.text(of: "/proc/self") == nil)
    }
}
