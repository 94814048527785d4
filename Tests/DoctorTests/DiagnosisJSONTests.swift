import Foundation
import Testing

@testable import Doctor

@Suite("A diagnosis as JSON")
struct DiagnosisJSONTests {
    @Test("a diagnosis is written with its fields as documented")
    func golden() throws {
        let text = String(decoding: try DiagnosisJSON.render(Diagnosis(.engine { $0.mirrors = [] })), as: UTF8.self)
        let start = """
            {
              "checks" : [
                {
                  "detail" : "Docker 28.3.0 answers, on Debian GNU/Linux 13",
                  "id" : "engine",
                  "title" : "engine",
                  "verdict" : "ok"
                },
            """
        let mirror = """
                {
                  "detail" : "none for Docker Hub: its rate limit applies (a number of pulls in six hours), and so do its \
            outages",
                  "id" : "mirror",
                  "remedy" : {
                    "advice" : "name a mirror that you run or trust; a registry on this machine may speak plain HTTP",
                    "steps" : [
                      {
                        "file" : "/etc/docker/daemon.json",
                        "kind" : "line",
                        "text" : "\\"registry-mirrors\\": [\\"http://127.0.0.1:5000\\"]"
                      },
                      {
                        "kind" : "command",
                        "text" : "sudo systemctl restart docker"
                      }
                    ]
                  },
                  "title" : "mirror",
                  "verdict" : "warn"
                },
            """
        let end = """
              ],
              "engine" : {
                "address" : "unix:///var/run/docker.sock",
                "api_version" : "1.51",
                "name" : "Docker",
                "source" : "default socket",
                "version" : "28.3.0"
              },
              "exit_code" : 0,
              "schema" : "roost.doctor/1",
              "verdict" : "warn"
            }

            """
        #expect(text.hasPrefix(start), "\(text)")
        #expect(text.contains(mirror), "\(text)")
        #expect(text.hasSuffix(end), "\(text)")
    }

    @Test("docs/doctor.md describes every check")
    func documented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardizedFileURL
        let document = try String(contentsOf: root.appending(path: "docs/doctor.md"), encoding: .utf8)
        for id in Check.ID.allCases { #expect(document.contains("| `\(id.rawValue)` |"), "\(id.rawValue)") }
        #expect(document.contains(DiagnosisJSON.schema))
    }
}
