import Foundation

/// A secret in every form that a step may print it in, made by other means than Roost's own.
struct SecretCanaries {
    let value: String
    /// Each form by a name; what stands around it in the output is not part of it.
    let forms: [(name: String, text: String)]

    init(_ value: String) throws {
        self.value = value
        let bytes = Data(value.utf8)
        func base64(_ before: String) -> String { Data((before + value).utf8).base64EncodedString() }
        func urlSafe(_ text: String) -> String {
            text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let json = String(decoding: try JSONEncoder().encode([value]), as: UTF8.self)
        let hex = bytes.map { String(format: "%02x", $0) }.joined()
        let percent = bytes.map { String(format: "%%%02X", $0) }.joined()
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        )
        let url = value.addingPercentEncoding(withAllowedCharacters: unreserved) ?? percent
        var forms = [
            (name: "raw", text: value), (name: "json", text: String(json.dropFirst(2).dropLast(2))),
            (name: "hex", text: hex), (name: "HEX", text: hex.uppercased()), (name: "url", text: url),
            (name: "form", text: url.replacing("%20", with: "+")),
        ]
        for line in value.split(separator: "\n") { forms.append((name: "line", text: String(line))) }
        for before in ["", "a", "ab"] {
            let text = base64(before)
            forms.append((name: "base64 behind '\(before)'", text: text))
            forms.append((name: "base64url behind '\(before)'", text: urlSafe(text)))
        }
        self.forms = forms
    }

    /// What of each form must be nowhere: of base64, what does not hold bits of other bytes too.
    var needles: [String] {
        forms.map { form in
            form.name.hasPrefix("base64") ? String(form.text.dropFirst(4).dropLast(4)) : form.text
        }
    }

    /// The names of the forms that are in some bytes.
    func found(in bytes: Data) -> [String] {
        zip(forms, needles).compactMap { form, needle in
            bytes.firstRange(of: Data(needle.utf8)) == nil ? nil : form.name
        }
    }

    func found(in text: String) -> [String] { found(in: Data(text.utf8)) }

    /// The forms that are in any file of a folder, or in a file's name.
    func found(below folder: String) throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder)
        return names.flatMap { name -> [String] in
            let bytes = FileManager.default.contents(atPath: folder + "/" + name) ?? Data()
            return (found(in: name) + found(in: bytes)).map { "\(name): \($0)" }
        }
    }
}
