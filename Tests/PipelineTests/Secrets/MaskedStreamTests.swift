import Foundation
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Masking a stream")
struct MaskedStreamTests {
    private func mask(_ secrets: String...) -> SecretMask {
        SecretMask(secrets.map { SecretValue(Array($0.utf8)) })
    }

    private func masked(_ chunks: [[UInt8]], _ mask: SecretMask) -> [UInt8] {
        var stream = MaskedStream(mask)
        return chunks.flatMap { stream.feed($0) } + stream.finish()
    }

    @Test("a secret is replaced wherever it stands, and nothing else is changed")
    func replaced() {
        let mask = mask("hunter22")
        #expect(mask.hide(in: "hunter22") == "***")
        #expect(mask.hide(in: "a hunter22, hunter2 and a xhunter22x") == "a ***, hunter2 and a x***x")
        #expect(mask.hide(in: "") == "")
        #expect(mask.hide(in: "hunter2") == "hunter2")
        #expect(mask.hide(in: "hunterhunter22") == "hunter***")
    }

    @Test("of secrets that overlap or lie in each other nothing is left over")
    func overlaps() {
        #expect(mask("abcdef", "cdefgh").hide(in: "-abcdefgh-") == "-***-")
        #expect(mask("token", "token-and-more").hide(in: "token-and-more token-and-les token") == "*** ***-and-les ***")
        #expect(mask("middle", "in the middle of").hide(in: "in the middle of; in the middle") == "***; in the ***")
        #expect(mask("aaaa").hide(in: "baaaaaaab") == "b***b")
        #expect(mask("abab").hide(in: "ababab abab") == "*** ***")
        #expect(mask("same").hide(in: "samesame") == "***")
    }

    @Test("only what may be the begin of a secret is held back, and that until it is none any more or the end has come")
    func heldBack() {
        var stream = MaskedStream(mask("Pass: sesame"))
        #expect(stream.feed(Array("Password: ".utf8)) == Array("Password: ".utf8))
        #expect(stream.feed(Array("Pass".utf8)) == [])
        #expect(stream.feed(Array(":".utf8)) == [])
        #expect(stream.feed(Array("!".utf8)) == Array("Pass:!".utf8))
        #expect(stream.feed(Array("Pass: sesam".utf8)) == [])
        #expect(stream.finish() == Array("Pass: sesam".utf8))
        #expect(stream.feed(Array("e".utf8)) == Array("e".utf8))
    }

    @Test("the line break behind a secret stays, and one within it goes with it")
    func lineBreaks() {
        let mask = mask("first line\nab\nlast line\n")
        #expect(mask.hide(in: "first line\nab\nlast line\nrest\n") == "***\nrest\n")
        #expect(mask.hide(in: "x first line\nab\n last line\n") == "x ***\nab\n ***\n")
    }

    @Test("bytes that are no text are found, and pass where they are no secret")
    func rawBytes() {
        let secret: [UInt8] = [0, 255, 0, 254, 10, 1]
        let mask = SecretMask([SecretValue(secret)])
        #expect(
            masked([[7] + secret + [0, 255, 0]], mask) == [7] + SecretMask.replacement
                + [10, 1, 0, 255, 0].dropFirst(2)
        )
    }

    @Test("however the input is split, what comes out is the same, and holds no form of a secret")
    func splits() async throws {
        try await Fuzzing.run(rounds: 150) { random in
            // Few different bytes make secrets that begin, hold and overlap each other.
            let letters: [UInt8] = random.next() % 2 == 0 ? Array("ab\n".utf8) : Array("abcdXYZ019+/=%\\\" \né".utf8)
            func text(_ length: ClosedRange<Int>) -> [UInt8] {
                (0..<Int.random(in: length, using: &random)).map { _ in
                    letters[Int.random(in: 0..<letters.count, using: &random)]
                }
            }
            let secrets = (0..<Int.random(in: 1...3, using: &random)).map { _ in SecretValue(text(4...12)) }
                .filter { $0.problem == nil }
            let forms = secrets.reduce(into: Set<[UInt8]>()) { $0.formUnion(SecretForms.all(of: $1.bytes)) }
            guard !forms.isEmpty else { return }
            let mask = SecretMask(secrets)
            let pool = forms.sorted { $0.lexicographicallyPrecedes($1) }
            var input: [UInt8] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                input += text(0...6)
                let form = pool[Int.random(in: 0..<pool.count, using: &random)]
                // Whole, or cut at either end.
                input += form.dropFirst(Int.random(in: 0...3, using: &random) / 3)
                    .dropLast(Int.random(in: 0...3, using: &random) / 3)
            }
            var chunks: [[UInt8]] = []
            var rest = input[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(rest.count, 9), using: &random)
                chunks.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let whole = masked([input], mask)
            try #require(masked(chunks, mask) == whole)
            try #require(masked(input.map { [$0] }, mask) == whole)
            try #require(whole == expected(input, forms))
            for form in forms { try #require(!whole.contains(form)) }
        }
    }

    /// What should come out, found in the plain way: each byte that any form covers is hidden.
    private func expected(_ input: [UInt8], _ forms: Set<[UInt8]>) -> [UInt8] {
        var isCovered = [Bool](repeating: false, count: input.count)
        for form in forms {
            for start in input.indices where input[start...].starts(with: form) {
                for index in start..<start + form.count { isCovered[index] = true }
            }
        }
        var output: [UInt8] = []
        for index in input.indices {
            if !isCovered[index] {
                output.append(input[index])
            } else if index == 0 || !isCovered[index - 1] {
                output += SecretMask.replacement
            }
        }
        return output
    }

    @Test("the largest secret is found in the midst of its own repeated begin")
    func largest() {
        let secret = [UInt8](repeating: UInt8(ascii: "a"), count: 2047) + Array("b".utf8)
        let mask = SecretMask([SecretValue(secret)])
        let input = [UInt8](repeating: UInt8(ascii: "a"), count: 8192) + Array("b!".utf8)
        let kept = [UInt8](repeating: UInt8(ascii: "a"), count: 8192 - 2047)
        #expect(masked([input], mask) == kept + SecretMask.replacement + Array("!".utf8))
    }
}

extension [UInt8] {
    fileprivate func contains(_ other: [UInt8]) -> Bool { firstRange(of: other) != nil }
}
