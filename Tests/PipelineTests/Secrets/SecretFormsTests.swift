import Foundation
import Testing

@testable import Pipeline

@Suite("The forms of a secret")
struct SecretFormsTests {
    /// With everything in it that encoders change.
    private static let value = "p4ss w/\"<ö>\\'+&=?~*!(\u{1})#\t%|end"

    private func hidden(_ text: String, secret: String = value) -> String {
        SecretMask([SecretValue(Array(secret.utf8))]).hide(in: text)
    }

    @Test("base64 is found at each of its three offsets, in both alphabets, with and without padding")
    func base64() {
        for value in [Self.value, "abcd", "abcde", "abcdef", "\u{FF}>?\u{FE}abc"] {
            for before in ["", "u", "us", "user:"] {
                for after in ["", "\n", "!", " and more"] {
                    let text = Data((before + value + after).utf8).base64EncodedString()
                    let urlSafe = text.replacing("+", with: "-").replacing("/", with: "_")
                    for form in [text, urlSafe, urlSafe.replacing("=", with: "")] {
                        let shown = hidden("<\(form)>", secret: value)
                        #expect(shown.contains("***"), "\(value) in \(before)…\(after)")
                        // All but the characters that hold bits of other bytes too.
                        let left = shown.replacing("***", with: "").count - 2
                        let (start, end) = (before.utf8.count * 8, (before + value).utf8.count * 8)
                        let others = (start + 5) / 6 + form.count - end / 6
                        #expect(left <= others, "\(shown) of \(form)")
                    }
                }
            }
        }
    }

    @Test("base64 and hexadecimal that were broken into lines are hidden to the last character")
    func wrapped() {
        let value = String((0..<40).map { "line \($0) " }.joined().prefix(301))
        let data = Data(value.utf8)
        for options: Data.Base64EncodingOptions in [
            [.lineLength76Characters, .endLineWithLineFeed], [.lineLength64Characters, .endLineWithLineFeed],
        ] {
            #expect(hidden(data.base64EncodedString(options: options), secret: value) == "***")
        }
        let hex = data.map { String(format: "%02x", $0) }.joined()
        let lines = stride(from: 0, to: hex.count, by: 60).map { String(hex.dropFirst($0).prefix(60)) }
        #expect(hidden(lines.joined(separator: "\n"), secret: value) == "***")
    }

    @Test(
        "what encoders of URLs, JSON and shells make of a secret is found",
        arguments: [
            "p4ss%20w%2F%22%3C%C3%B6%3E%5C%27%2B%26%3D%3F~%2A%21%28%01%29%23%09%25%7Cend",
            "p4ss%20w%2f%22%3c%c3%b6%3e%5c%27%2b%26%3d%3f~%2a%21%28%01%29%23%09%25%7cend",
            "p4ss%20w%2F%22%3C%C3%B6%3E%5C'%2B%26%3D%3F~*!(%01)%23%09%25%7Cend",
            "p4ss%20w/%22%3C%C3%B6%3E%5C'+&=?~*!(%01)#%09%25%7Cend",
            "p4ss+w%2F%22%3C%C3%B6%3E%5C%27%2B%26%3D%3F%7E*%21%28%01%29%23%09%25%7Cend",
            #"p4ss w/\"<ö>\\'+&=?~*!(\u0001)#\t%|end"#,
            #"p4ss w\/\"<ö>\\'+&=?~*!(\u0001)#\t%|end"#,
            #"p4ss w/\"\u003cö\u003e\\'+\u0026=?~*!(\u0001)#\t%|end"#,
            #"p4ss w/\"<\u00f6>\\'+&=?~*!(\u0001)#\t%|end"#,
            #"p4ss w/\"<\u00F6>\\'+&=?~*!(\u0001)#\t%|end"#,
            "p4ss w/\"<ö>\\'\\''+&=?~*!(\u{1})#\t%|end",
        ]
    )
    func encodings(_ text: String) {
        #expect(hidden("<\(text)>") == "<***>")
    }

    @Test("Foundation's own encoders agree")
    func foundation() throws {
        let json = String(decoding: try JSONEncoder().encode([Self.value]), as: UTF8.self)
        #expect(hidden(json) == "[\"***\"]")
        #expect(
            hidden(try #require(Self.value.addingPercentEncoding(withAllowedCharacters: .alphanumerics))) == "***"

        )
        let hex = Data(Self.value.utf8).map { String(format: "%02x", $0) }.joined()
        #expect(hidden(hex) == "***")
        #expect(hidden(hex.uppercased()) == "***")
    }

    @Test(
        "each line of a secret of several lines is found alone, in any form, but for lines of fewer than four characters"
    )
    func lines() {
        let secret = "-----BEGIN KEY-----\r\n  bGluZQ of it\r\nab\r\n-----END KEY-----\r\n"
        #expect(hidden("bGluZQ of it", secret: secret) == "***")
        #expect(hidden(Data("bGluZQ of it".utf8).base64EncodedString(), secret: secret) == "***")
        #expect(hidden("ab", secret: secret) == "ab")
        #expect(hidden(secret, secret: secret) == "***\r\n")
    }

    @Test("no form is shorter than four bytes")
    func shortest() {
        for value in ["abcd", "a\nb\nc\nd", "\n\nab cd\n\n", "äöüß"] {
            #expect(SecretForms.all(of: Array(value.utf8)).allSatisfy { $0.count >= 4 })
        }
    }
}
