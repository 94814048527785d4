import Foundation
import ImagePull
import OCIDistribution
import RoostCore
import RoostTesting
import Testing

@testable import Pipeline

@Suite("Events as NDJSON")
struct RunEventEncoderTests {
    private let time = Date(timeIntervalSince1970: 1_769_847_330.042)
    private let id = StepID(stage: "build", step: "compile")

    /// The events as the text of their lines.
    private func lines(_ kinds: [RunEvent.Kind]) throws -> [String] {
        var encoder = RunEventEncoder()
        let bytes = try kinds.flatMap { try encoder.encode(RunEvent(time: time, kind: $0)) }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasSuffix("\n"))
        return text.dropLast().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// One event, not the first of its stream.
    private func line(_ kind: RunEvent.Kind) throws -> String { try lines([.notice(""), kind])[1] }

    @Test("only the first event carries the schema")
    func schema() throws {
        let header = RunHeader(runID: "r1", pipeline: "demo", file: "roost.toml", steps: [id], engine: "Docker 29")
        #expect(
            try lines([.runStarted(header), .warning("a\nb")]) == [
                #"{"engine":"Docker 29","file":"roost.toml","pipeline":"demo","run_id":"r1","schema":"roost.events/1","#
                    + #""steps":[{"stage":"build","step":"compile"}],"time":"2026-01-31T08:15:30.042Z","#
                    + #""type":"run.started"}"#,
                #"{"message":"a\nb","time":"2026-01-31T08:15:30.042Z","type":"warning"}"#,
            ]
        )
    }

    @Test("each log line is an event; bytes come along only where the text can't hold them")
    func logLines() throws {
        let log = StepLog(
            id: id,
            attempt: 1,
            lines: [
                LogLine(stream: .stdout, bytes: Array("h\u{E9} \u{1B}[31m\"\0".utf8), continues: false),
                LogLine(stream: .stderr, bytes: [0x61, 0xFF], continues: true),
            ]
        )
        let encoded = try lines([.notice(""), .stepLog(log)])
        #expect(
            encoded[1...] == [
                #"{"attempt":1,"stage":"build","step":"compile","stream":"stdout","text":"hé \u001b[31m\"\u0000","#
                    + #""time":"2026-01-31T08:15:30.042Z","type":"step.log"}"#,
                #"{"attempt":1,"bytes":"Yf8=","continues":true,"stage":"build","step":"compile","stream":"stderr","#
                    + "\"text\":\"a\u{FFFD}\",\"time\":\"2026-01-31T08:15:30.042Z\",\"type\":\"step.log\"}",
            ]
        )
    }

    @Test("a log line is written as the general encoder writes it, whatever its bytes")
    func logLinesOfAnyBytes() async throws {
        let encoder = WireJSON.encoder(pretty: false)
        let pieces: [[UInt8]] =
            (0...UInt8.max).map { [$0] }
            + ["plain text", "\"\\/", "é", "\u{FFFD}", "\u{2028}", "\u{10FFFF}", "👩‍👩‍👧"].map { Array($0.utf8) }
            + [[0xE2, 0x80], [0xF0, 0x9F, 0x91], [0xED, 0xA0, 0x80]]
        try await Fuzzing.run(rounds: 300) { random in
            let bytes = (0..<Int.random(in: 0...20, using: &random)).flatMap { _ in
                // Most of what steps print is plain.
                Bool.random(using: &random) ? pieces[256] : pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }
            let line = LogLine(
                stream: Bool.random(using: &random) ? .stdout : .stderr,
                bytes: bytes,
                continues: Bool.random(using: &random)
            )
            let log = StepLog(id: StepID(stage: "a \"b\"", step: "é\\/"), attempt: 3, lines: [line])
            let found = try lines([.notice(""), .stepLog(log)])[1]
            var expected = try JSONDecoder().decode(LineFields.self, from: encoder.encode(StepLogWire(log, line)))
            expected.time = "2026-01-31T08:15:30.042Z"
            expected.type = "step.log"
            #expect(found == String(decoding: try encoder.encode(expected), as: UTF8.self))
        }
    }

    private struct LineFields: Codable {
        let attempt: Int
        let bytes: String?
        let continues: Bool?
        let stage: String
        let step: String
        let stream: String
        let text: String
        var time: String?
        var type: String?
    }

    @Test("a log line that is a stream's first event carries the schema, and those after it do not")
    func firstLine() throws {
        let line = LogLine(stream: .stdout, bytes: Array("x".utf8), continues: false)
        let encoded = try lines([.stepLog(StepLog(id: id, attempt: 1, lines: [line, line]))])
        #expect(encoded.map { $0.contains("\"schema\":\"roost.events/1\"") } == [true, false])
    }

    @Test("steps and stages")
    func stepsAndStages() throws {
        #expect(
            try line(.stageStarted(StageHeader(name: "build", index: 1, count: 2, steps: ["compile"])))
                == #"{"count":2,"index":1,"stage":"build","steps":["compile"],"time":"2026-01-31T08:15:30.042Z","#
                + #""type":"stage.started"}"#
        )
        #expect(
            try line(.stepStarted(StepStart(id: id, image: "gcc:14", attempt: 1, containerID: "c0ffee")))
                == #"{"attempt":1,"attempts":1,"container_id":"c0ffee","image":"gcc:14","stage":"build","step":"compile","#
                + #""time":"2026-01-31T08:15:30.042Z","type":"step.started"}"#
        )
        let ended = AttemptReport(
            number: 1,
            status: .failed,
            exitCode: 2,
            reason: "exited with 2",
            duration: .milliseconds(20),
            logPath: nil
        )
        #expect(
            try line(.stepRetrying(StepRetry(id: id, attempt: ended, attempts: 3, pause: .seconds(1))))
                == #"{"attempt":1,"attempts":3,"duration_ms":20,"exit_code":2,"pause_ms":1000,"reason":"exited with 2","#
                + #""stage":"build","status":"failed","step":"compile","time":"2026-01-31T08:15:30.042Z","#
                + #""type":"step.retrying"}"#
        )
        #expect(
            try line(.stepFinished(SampleReport.failedStep))
                == #"{"attempts":1,"duration_ms":1250,"exit_code":2,"image":"gcc:14","#
                + #""last_lines":[{"stream":"stderr","text":"no"}],"log_path":".roost/runs/r1/build/compile.1.log","#
                + #""memory_limit_bytes":536870912,"offset_ms":10,"peak_memory_bytes":1048576,"#
                + #""phases":{"create_ms":50,"run_ms":1200},"reason":"exited with 2","stage":"build","#
                + #""status":"failed","step":"compile","time":"2026-01-31T08:15:30.042Z","type":"step.finished"}"#
        )
        #expect(
            try line(.stageFinished(StageReport(name: "build", status: .failed, duration: .seconds(2), steps: [])))
                == #"{"duration_ms":2000,"stage":"build","status":"failed","time":"2026-01-31T08:15:30.042Z","#
                + #""type":"stage.finished"}"#
        )
    }

    @Test("the end of the run")
    func runFinished() throws {
        #expect(
            try line(.runFinished(SampleReport.run))
                == #"{"duration_ms":4200,"exit_code":1,"pipeline":"demo","reason":"build/compile exited with 2","#
                + #""run_id":"r1","started_at":"2026-01-31T08:15:30.000Z","status":"failed","#
                + #""time":"2026-01-31T08:15:30.042Z","type":"run.finished"}"#
        )
    }

    @Test("pulls: plan, progress, retry and end")
    func pulls() throws {
        let redis = try ImageReference(parsing: "redis:7")
        let nginx = try ImageReference(parsing: "nginx:1")
        let layers = [
            LayerProgress(layer: "aaaaaaaaaaaa", state: .downloading, downloaded: 5, total: 10),
            LayerProgress(layer: "bbbbbbbbbbbb", state: .exists),
        ]
        let stamp = #""time":"2026-01-31T08:15:30.042Z","#
        #expect(try line(.pull(.resolving(images: 3))) == #"{"images":3,"# + stamp + #""type":"pull.resolving"}"#)
        #expect(
            try line(.pull(.planned(PullSummary(toPull: [redis], present: [nginx]))))
                == #"{"present":["nginx:1"],"# + stamp + #""to_pull":["redis:7"],"type":"pull.planned"}"#
        )
        #expect(
            try line(.pull(.started(image: redis, source: "registry-1.docker.io", attempt: 2)))
                == #"{"attempt":2,"image":"redis:7","source":"registry-1.docker.io","# + stamp
                + #""type":"pull.started"}"#
        )
        #expect(
            try line(.pull(.progress(PullProgress(image: redis, layers: layers))))
                == #"{"downloaded_bytes":5,"image":"redis:7","layers":[{"downloaded_bytes":5,"layer":"aaaaaaaaaaaa","#
                + #""state":"downloading","total_bytes":10},{"downloaded_bytes":0,"layer":"bbbbbbbbbbbb","#
                + #""state":"exists","total_bytes":0}],"# + stamp + #""total_bytes":10,"type":"pull.progress"}"#
        )
        #expect(
            try line(.pull(.retrying(image: redis, attempt: 2, delay: .milliseconds(1500), reason: "cut")))
                == #"{"attempt":2,"delay_ms":1500,"image":"redis:7","reason":"cut","# + stamp
                + #""type":"pull.retrying"}"#
        )
        let failure = PullFailure(image: redis, kind: .notFound, message: "no such tag", isDefinite: true)
        let failed = PullOutcome(
            image: redis,
            result: .failed(failure),
            imageID: nil,
            digest: nil,
            bytes: ByteCount(7),
            duration: .seconds(1),
            source: nil
        )
        #expect(
            try line(.pull(.finished(failed)))
                == #"{"bytes":7,"duration_ms":1000,"error":"no such tag","error_kind":"not_found","image":"redis:7","#
                + #""outcome":"failed","# + stamp + #""type":"pull.finished"}"#
        )
        let tagged = PullOutcome(
            image: redis,
            result: .tagged(from: nginx),
            imageID: "sha256:1",
            digest: nil,
            bytes: ByteCount(0),
            duration: .zero,
            source: nil
        )
        #expect(
            try line(.pull(.finished(tagged)))
                == #"{"bytes":0,"duration_ms":0,"image":"redis:7","image_id":"sha256:1","outcome":"tagged","#
                + #""tagged_from":"nginx:1","# + stamp + #""type":"pull.finished"}"#
        )
    }
}

@Suite("The report of a run")
struct RunReportEncoderTests {
    @Test("every field has its documented name and unit")
    func fields() throws {
        let text = String(decoding: try RunReportEncoder.encode(SampleReport.run), as: UTF8.self)
        #expect(text == SampleReport.encodedRun)
    }

    @Test("a report replaces the file that was there and goes into a device as it is")
    func writes() throws {
        let path = NSTemporaryDirectory() + "roost-report-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for _ in 0..<2 { try RunReportEncoder.write(SampleReport.run, to: path) }
        #expect(FileManager.default.contents(atPath: path) == Data(SampleReport.encodedRun.utf8))
        try RunReportEncoder.write(SampleReport.run, to: "/dev/null")
        #expect(
            try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType != .typeRegular
        )
    }
}

enum SampleReport {
    static let failedStep: StepReport = {
        var step = StepReport(id: StepID(stage: "build", step: "compile"), image: "gcc:14", status: .failed)
        step.exitCode = 2
        step.attempts = 1
        step.reason = "exited with 2"
        step.offset = .milliseconds(10)
        step.phases = [.create: .milliseconds(50), .run: .milliseconds(1200)]
        step.memoryLimit = .mebibytes(512)
        step.peakMemory = .mebibytes(1)
        step.logPath = ".roost/runs/r1/build/compile.1.log"
        step.lastLines = [LogLine(stream: .stderr, bytes: Array("no".utf8), continues: false)]
        return step
    }()

    static let run: RunReport = {
        var image = PulledImage(image: "gcc:14", outcome: .pulled, bytes: ByteCount(1000), duration: .milliseconds(900))
        image.digest = "sha256:abc"
        image.source = "registry-1.docker.io"
        var report = RunReport(
            runID: "r1",
            pipeline: "demo",
            status: .failed,
            exitCode: 1,
            startedAt: Date(timeIntervalSince1970: 1_769_847_330),
            duration: .milliseconds(4200),
            images: [image],
            stages: [StageReport(name: "build", status: .failed, duration: .seconds(4), steps: [failedStep])],
            warnings: ["stage deploy is empty"]
        )
        report.reason = "build/compile exited with 2"
        return report
    }()

    static let encodedRun = """
        {
          "duration_ms" : 4200,
          "exit_code" : 1,
          "images" : [
            {
              "bytes" : 1000,
              "digest" : "sha256:abc",
              "duration_ms" : 900,
              "image" : "gcc:14",
              "outcome" : "pulled",
              "source" : "registry-1.docker.io"
            }
          ],
          "pipeline" : "demo",
          "reason" : "build/compile exited with 2",
          "run_id" : "r1",
          "schema" : "roost.report/1",
          "stages" : [
            {
              "duration_ms" : 4000,
              "stage" : "build",
              "status" : "failed",
              "steps" : [
                {
                  "attempts" : 1,
                  "duration_ms" : 1250,
                  "exit_code" : 2,
                  "image" : "gcc:14",
                  "last_lines" : [
                    {
                      "stream" : "stderr",
                      "text" : "no"
                    }
                  ],
                  "log_path" : ".roost/runs/r1/build/compile.1.log",
                  "memory_limit_bytes" : 536870912,
                  "offset_ms" : 10,
                  "peak_memory_bytes" : 1048576,
                  "phases" : {
                    "create_ms" : 50,
                    "run_ms" : 1200
                  },
                  "reason" : "exited with 2",
                  "status" : "failed",
                  "step" : "compile"
                }
              ]
            }
          ],
          "started_at" : "2026-01-31T08:15:30.000Z",
          "status" : "failed",
          "warnings" : [
            "stage deploy is empty"
          ]
        }

        """
}
