import DockerEngine
import NIOCore
import NIOHTTP1
import RoostCore

/// `/_ping`, `/version`, `/info` and `/events`.
struct SystemRoutes {
    let engine: FakeEngine

    func handle(_ call: EngineCall) async throws -> Bool {
        switch (call.method, call.path) {
        case (.GET, ["_ping"]), (.HEAD, ["_ping"]): try await ping(call.answer)
        case (.GET, ["version"]): try await call.answer.json(.ok, version)
        case (.GET, ["info"]): try await call.answer.json(.ok, info)
        case (.GET, ["events"]): try await events(call)
        default: return false
        }
        return true
    }

    private func ping(_ answer: FakeAnswer) async throws {
        try await answer.start(headers: [
            "Api-Version": engine.identity.apiVersion.description,
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Length": "2",
        ])
        try await answer.write(ByteBuffer(string: "OK"))
        try await answer.finish()
    }

    private var version: JSONValue {
        [
            "Version": .string(engine.identity.version),
            "ApiVersion": .string(engine.identity.apiVersion.description),
            "MinAPIVersion": .string(engine.identity.minimumAPIVersion.description),
            "Os": "linux",
            "Arch": .string(TestImage.machineArchitecture),
            "Platform": ["Name": "Fake Engine"],
        ]
    }

    private var info: JSONValue {
        let containers = engine.containers.value
        return [
            "ID": .string(engine.identity.id),
            "ServerVersion": .string(engine.identity.version),
            "Driver": "overlay2",
            "CgroupDriver": "cgroupfs",
            "CgroupVersion": "1",
            "MemTotal": .integer(engine.identity.memory),
            "NCPU": JSONValue(engine.identity.processors),
            "Containers": JSONValue(containers.count),
            "Images": JSONValue(engine.images.value.entries.count),
            "OperatingSystem": "Fake Linux",
            "OSType": "linux",
            "Architecture": "x86_64",
            "DockerRootDir": "/var/lib/docker",
            "MemoryLimit": true,
            "SwapLimit": true,
            "InitBinary": "docker-init",
            "SecurityOptions": ["name=seccomp,profile=default"],
            "Warnings": nil,
            "SystemTime": .string(FakeClock.now),
            "RegistryConfig": [
                "Mirrors": JSONValue(engine.identity.mirrors),
                "InsecureRegistryCIDRs": ["127.0.0.0/8"],
                "IndexConfigs": ["docker.io": ["Name": "docker.io", "Secure": true, "Official": true]],
            ],
        ]
    }

    private func events(_ call: EngineCall) async throws {
        let filters = try call.filters(
            knowing: ["type", "event", "container", "image", "network", "volume", "label", "daemon", "scope"]
        )
        let until = try time(call, "until")
        let since = try time(call, "since")
        // What happens from now on is sent, whatever happens while the answer begins.
        let begin = engine.events.value.count
        try await call.answer.start(headers: ["Content-Type": "application/json"])
        if let since {
            // A real engine remembers no more than this.
            for event in engine.events.value[..<begin].suffix(256)
            where event.nanoseconds >= since && event.nanoseconds <= until ?? .max && event.passes(filters) {
                try await call.answer.writeLine(event.json)
            }
        }
        if let until {
            let left = Duration.nanoseconds(until - FakeClock.nanoseconds)
            guard left > .zero else { return try await call.answer.finish() }
            do {
                try await withDeadline(left, "events") { try await follow(call, from: begin, filters) }
            } catch is DeadlineExceeded {
                try await call.answer.finish()
            }
        } else {
            try await follow(call, from: begin, filters)
        }
    }

    private func follow(_ call: EngineCall, from begin: Int, _ filters: [String: [String]]) async throws {
        var next = begin
        while true {
            let position = next
            let new = try await engine.events.wait { $0.count > position ? Array($0[position...]) : nil }
            next += new.count
            for event in new where event.passes(filters) { try await call.answer.writeLine(event.json) }
        }
    }

    private func time(_ call: EngineCall, _ name: String) throws -> Int64? {
        guard let text = call.request.queryValue(name), !text.isEmpty else { return nil }
        guard let time = FakeClock.nanoseconds(of: text) else { throw Refusal(.badRequest, "bad \(name): \(text)") }
        return time
    }
}
