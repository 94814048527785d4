import Foundation
import Testing

@testable import Pipeline

@Suite("Times in JSON")
struct WireTimeTests {
    @Test("a time that is read back is written as it was, at every millisecond")
    func roundTrip() throws {
        let begin = Date(timeIntervalSince1970: 1_795_599_056)
        for millisecond in 0..<1000 {
            let text = WireTime.text(begin.addingTimeInterval(Double(millisecond) / 1000))
            #expect(text.hasSuffix(String(format: ".%03dZ", millisecond)))
            #expect(WireTime.text(try #require(WireTime.parse(text))) == text)
        }
    }
}
