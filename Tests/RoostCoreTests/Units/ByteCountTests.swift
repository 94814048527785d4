import RoostCore
import Testing

@Suite("Sizes")
struct ByteCountTests {
    private static let sizes: [(String, Int64)] = [
        ("0", 0), ("7", 7), ("7b", 7), ("1k", 1024), ("1kb", 1024), ("1KiB", 1024), ("1ki", 1024),
        ("512mb", 536_870_912), ("512 MB", 536_870_912), ("\t512 mb ", 536_870_912), ("2g", 2_147_483_648),
        ("2GiB", 2_147_483_648),
        ("1.5gb", 1_610_612_736), (".5k", 512), ("1t", 1_099_511_627_776), ("1pb", 1_125_899_906_842_624), ("0.3", 0),
        ("1.", 1),
        ("9223372036854775807", Int64.max), ("9007199254740993", 9_007_199_254_740_993),
    ]

    private static let noSizes: [String] = [
        "", " ", "mb", "-1", "-1mb", "+1", "1 2mb", "5 m b", "1e3", "0x10", "1.2.3", ".", "..", "512mbb", "512xb",
        "nan", "inf", "９mb", "5\u{301}mb", "512\u{00a0}mb", "512mb\n", "512\u{0}mb", "1,5gb", "9223372036854775808",
        "8192pb", "1.5e300gb", String(repeating: "9", count: 400), String(repeating: "1", count: 1_000_000),
    ]

    private static let shown: [(Int64, String)] = [
        (0, "0 B"), (40, "40 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (536_870_912, "512 MiB"),
        (1_048_575, "1 MiB"), (1_047_552, "1023 KiB"), (107_374_182_400, "100 GiB"), (-2048, "-2 KiB"),
        (-1536, "-1.5 KiB"), (Int64.max, "8 EiB"), (Int64.min, "-8 EiB"),
    ]

    @Test(
        "sizes are read as Docker reads them",
        arguments: sizes
    )
    func reads(text: String, bytes: Int64) {
        #expect(ByteCount(parsing: text)?.bytes == bytes)
    }

    @Test(
        "what is no size, or too large, is refused",
        arguments: noSizes
    )
    func refuses(text: String) {
        #expect(ByteCount(parsing: text) == nil)
    }

    @Test(
        "sizes are shown in the largest unit that fits",
        arguments: shown
    )
    func describes(bytes: Int64, text: String) {
        #expect(ByteCount(bytes).description == text)
    }

    @Test("what a file is told to have is the size exactly, in the largest unit that leaves it whole")
    func writes() {
        for (bytes, text) in [
            (0, "0b"), (1023, "1023b"), (1536, "1536b"), (16 << 20, "16mb"), (3 << 29, "1536mb"), (1 << 40, "1tb"),
            (Int64.max, "9223372036854775807b"),
        ] as [(Int64, String)] {
            #expect(ByteCount(bytes).written == text)
            #expect(ByteCount(parsing: text) == ByteCount(bytes))
        }
    }

    @Test("a sum that does not fit stays at the end of the range")
    func saturates() {
        #expect(ByteCount(1) + ByteCount(2) == ByteCount(3))
        #expect(ByteCount(.max) + ByteCount(1) == ByteCount(.max))
        #expect(ByteCount(.min) + ByteCount(-1) == ByteCount(.min))
    }
}
