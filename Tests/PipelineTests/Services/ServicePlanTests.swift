import Foundation
import RoostCore
import Testing

@testable import Pipeline

@Suite("Services in plans")
struct ServicePlanTests {
    private func plan(_ text: String) throws -> PipelinePlan {
        let (definition, diagnostics) = parsePipeline(text, environment: ["TOKEN": "s3cret"])
        #expect(diagnostics.isEmpty)
        return PipelinePlan(try #require(definition), defaultMaxParallel: 2)
    }

    private static let example = """
        stages_order = ["s", "t"]
        [pipeline]
        name = "demo"
        memory = "64mb"
        [stages.s.services.db]
        image = "postgres:17"
        env = ["TOKEN"]
        ready = { command = "pg_isready", timeout = "30s" }
        [stages.s.services.cache]
        image = "redis"
        memory = "16mb"
        ready = { port = 6379 }
        [stages.s.steps.unit]
        image = "redis"
        command = "make check"
        [stages.t.steps.ship]
        image = "alpine"
        command = "true"
        memory = "100mb"
        """

    @Test("the plan for people names services, when they are ready, and counts their memory and images")
    func text() throws {
        #expect(
            PlanText.render(try plan(Self.example)) == """
                Pipeline demo (roost.toml)
                2 stages, 2 steps, 2 services, 3 images, at most 2 steps at once, at most 144 MiB of memory

                Stage 1 of 2: s, 1 step
                  service db     postgres:17  64 MiB  ready by pg_isready within 30s  (the image's command)
                  service cache  redis        16 MiB  ready at port 6379 within 1m    (the image's command)
                  unit  redis  64 MiB  1h  make check

                Stage 2 of 2: t, 1 step
                  ship  alpine  100 MiB  1h  true

                Images, in the order in which they are needed
                  postgres:17  pull missing  from stage s          1 service
                  redis        pull missing  from stage s  1 step  1 service
                  alpine       pull missing  from stage t  1 step

                """
        )
    }

    @Test("the graph shows services in their stage's frame, or beside the frames")
    func dot() throws {
        let dot = PlanDot.render(try plan(Self.example))
        let start = try #require(dot.range(of: "  subgraph cluster_0"))
        let end = try #require(dot.range(of: "  subgraph cluster_1"))
        let frame = dot[start.lowerBound..<end.lowerBound]
        #expect(
            frame == #"""
                  subgraph cluster_0 {
                    label="s";
                    s0_0 [label="unit\nredis\nmake check"];
                    v0_0 [label="db\npostgres:17", style="rounded,dashed"];
                    v0_1 [label="cache\nredis", style="rounded,dashed"];
                  }

                """#
        )
        let flat = PlanDot.render(
            try plan("[services.db]\nimage = \"x\"\n[[pipeline.steps]]\nname = \"a\"\nimage = \"y\"")
        )
        #expect(flat.contains("  }\n  v0_0 [label=\"db\\nx\", style=\"rounded,dashed\"];\n"))
    }

    @Test("the JSON has each service with its readiness, and names of variables without their values")
    func json() throws {
        let data = try PlanJSON.render(try plan(Self.example))
        #expect(!String(decoding: data, as: UTF8.self).contains("s3cret"))
        let root = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let stages = try #require(root["stages"] as? [[String: Any]])
        #expect(stages[1]["services"] == nil && root["services"] == nil)
        let services = try #require(stages[0]["services"] as? [[String: Any]])
        #expect(services.map { $0["name"] as? String } == ["db", "cache"])
        #expect(
            Set(services[0].keys) == [
                "name", "image", "reference", "env", "memory_bytes", "pull", "ready", "stop_grace_ms", "line",
            ]
        )
        let ready = try #require(services[0]["ready"] as? [String: Any])
        #expect(ready["command"] as? String == "pg_isready" && ready["timeout_ms"] as? Int == 30_000)
        #expect((services[1]["ready"] as? [String: Any])?["port"] as? Int == 6379)
        let images = try #require(root["images"] as? [[String: Any]])
        #expect(images[0]["services"] as? [[String: String]] == [["stage": "s", "service": "db"]])
        #expect(images[0]["first_stage"] as? String == "s")
    }

    @Test("events and report have the documented fields, and a report that is read back is the same")
    func wire() throws {
        var report = ServiceReport(id: ServiceID(stage: "s", service: "db"), image: "postgres:17", status: .failed)
        report.exitCode = 3
        report.reason = "exited with code 3 before it was ready"
        report.duration = .milliseconds(1500)
        report.memoryLimit = .mebibytes(64)
        report.logPath = ".roost/runs/r/s/service-db.log"
        report.lastLines = [LogLine(stream: .stderr, bytes: [0xFF], continues: false)]
        var encoder = RunEventEncoder()
        let kinds: [RunEvent.Kind] = [
            .serviceStarted(ServiceStart(id: report.id, image: "postgres:17", containerID: "c0ffee")),
            .serviceReady(ServiceReady(id: ServiceID(stage: nil, service: "db"), after: .milliseconds(12))),
            .serviceFinished(report),
        ]
        let time = Date(timeIntervalSince1970: 1_769_847_330.042)
        let lines = try kinds.map {
            String(decoding: try encoder.encode(RunEvent(time: time, kind: $0)), as: UTF8.self)
        }
        #expect(
            lines == [
                #"{"container_id":"c0ffee","image":"postgres:17","schema":"roost.events/1","service":"db","stage":"s","#
                    + #""time":"2026-01-31T08:15:30.042Z","type":"service.started"}"# + "\n",
                #"{"ready_ms":12,"service":"db","time":"2026-01-31T08:15:30.042Z","type":"service.ready"}"# + "\n",
                #"{"duration_ms":1500,"exit_code":3,"image":"postgres:17","last_lines":[{"bytes":"/w==","#
                    + #""stream":"stderr","text":"\#u{FFFD}"}],"log_path":".roost/runs/r/s/service-db.log","#
                    + #""memory_limit_bytes":67108864,"reason":"exited with code 3 before it was ready","#
                    + #""service":"db","stage":"s","status":"failed","time":"2026-01-31T08:15:30.042Z","#
                    + #""type":"service.finished"}"# + "\n",
            ]
        )
        var run = RunReport(
            runID: "r",
            pipeline: "p",
            status: .infrastructureError,
            exitCode: 125,
            startedAt: time,
            duration: .seconds(1)
        )
        run.services = [report]
        let bytes = try RunReportEncoder.encode(run)
        let again = try RunReportDecoder.decode(bytes)
        #expect(again.services.first?.id == report.id && again.services.first?.lastLines == report.lastLines)
        #expect(try RunReportEncoder.encode(again) == bytes)
        run.services = []
        #expect(!String(decoding: try RunReportEncoder.encode(run), as: UTF8.self).contains("services"))
    }
}
