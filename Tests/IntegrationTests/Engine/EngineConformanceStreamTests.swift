import DockerEngine
import NIOCore
import RoostCore
import RoostTesting
import Testing

@Suite("Any engine: output, attach and wait", .serialized, .timeLimit(.minutes(2)))
struct EngineConformanceStreamTests {
    @Test("every line comes once and in order", arguments: EngineKind.available, [true, false])
    func lines(kind: EngineKind, follow: Bool) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.start(.countsTo2000)
            if !follow { #expect(try await engine.wait(id) == 0) }
            let output = try await engine.output(id, follow: follow)
            let lines = output.text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 2001)
            #expect(zip(lines, 0..<2000).first { $0 != String($1) } == nil)
            #expect(lines.last == "")
            #expect(output.errorText.isEmpty)
        }
    }

    @Test("a long line spans frames of at most 16 KiB, and loses nothing", arguments: EngineKind.available)
    func longLine(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            var specification = engine.specification(.printsOneLongLine)
            // Docker 20.10's local driver loses the line break after a line that spans frames.
            specification.host.logDriver = .init(type: "json-file")
            let id = try await engine.client.createContainer(name: nil, specification).id
            try await engine.client.startContainer(id)
            #expect(try await engine.wait(id) == 0)
            let output = try await engine.output(id, follow: false)
            #expect(output.stdout.readableBytes == 50_001)
            #expect(output.longestFrame <= 16_384)
            #expect(output.longestFrame > 0)
        }
    }

    @Test("stdin goes in, comes back, and its end ends the program", arguments: EngineKind.available)
    func attach(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let specification = engine.specificationWithStdin(.echoes)
            let id = try await engine.client.createContainer(name: nil, specification).id
            let text = try await engine.client.attach(id, [.stdin, .stdout, .stderr]) { container in
                try await engine.client.startContainer(id)
                try await container.write(ByteBuffer(string: "hello\n"))
                var output = Output()
                try await container.readOutput { frames in
                    output.add(frames)
                    if output.text == "hello\n" {
                        try await container.write(ByteBuffer(string: "and good-bye\n"))
                        container.closeStdin()
                    }
                }
                return output.text
            }
            #expect(text == "hello\nand good-bye\n")
            #expect(try await engine.wait(id) == 0)
        }
    }

    @Test("who attaches before the start gets all output, by stream", arguments: EngineKind.available)
    func attachOutput(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.create(.printsAndFails)
            let output = try await engine.client.attach(id, [.stdout, .stderr]) { container in
                try await engine.client.startContainer(id)
                var output = Output()
                try await container.readOutput { output.add($0) }
                return output
            }
            #expect(output.text == "out\n")
            #expect(output.errorText == "err\n")
        }
    }

    @Test("a gate whose owner goes reads the end of its stdin", arguments: EngineKind.available)
    func ownerGoes(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let specification = engine.specificationWithStdin(.readsALine)
            let id = try await engine.client.createContainer(name: nil, specification).id
            try await engine.client.attach(id, [.stdin]) { _ in try await engine.client.startContainer(id) }
            #expect(try await engine.wait(id) == 9)
        }
    }

    @Test("a gate that stays open is released by the next who attaches", arguments: EngineKind.available)
    func secondOwner(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            var specification = engine.specificationWithStdin(.readsALine)
            specification.stdinOnce = false
            let id = try await engine.client.createContainer(name: nil, specification).id
            try await engine.client.attach(id, [.stdin]) { _ in try await engine.client.startContainer(id) }
            #expect(try await engine.client.inspectContainer(id)?.state.isRunning == true)
            let text = try await engine.client.attach(id, [.stdin, .stdout]) { container in
                try await container.write(ByteBuffer(string: "go\n"))
                var output = Output()
                try await container.readOutput { output.add($0) }
                return output.text
            }
            #expect(text == "released\n")
            #expect(try await engine.wait(id) == 0)
        }
    }

    @Test("waiting for a container that never ran ends at once", arguments: EngineKind.available)
    func waitNotRunning(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.create(.printsAndFails)
            #expect(try await engine.wait(id, .notRunning) == 0)
        }
    }

    @Test("waiting for the next exit does not take an exit of before", arguments: EngineKind.available)
    func waitNextExit(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.start(.printsAndFails)
            #expect(try await engine.wait(id) == 3)
            // Nothing will exit: the deadline is what ends this.
            let error = await #expect(throws: EngineError.self) {
                try await engine.client.waitForContainer(id, .nextExit, deadline: .milliseconds(300))
            }
            guard case .timedOut = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("waiting for the removal ends with it", arguments: EngineKind.available)
    func waitRemoved(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let id = try await engine.startReady(.runsUntilAsked)
            async let code = engine.wait(id, .removed)
            try await engine.client.stopContainer(id, grace: .seconds(30))
            #expect(try await engine.client.inspectContainer(id)?.state.status == "exited")
            // The call may not have arrived yet, and is then told that there is nothing to wait for.
            try await engine.client.removeContainer(id)
            do {
                #expect(try await code == 143)
            } catch let error as EngineError {
                #expect(error.statusCode == 404)
            }
        }
    }

    @Test("the events of a container's life come in order", arguments: EngineKind.available)
    func events(kind: EngineKind) async throws {
        try await EngineUnderTest.with(kind) { engine in
            let filters = [
                "type": ["container"], "label": engine.label.map { "\($0.key)=\($0.value)" },
                "event": ["create", "start", "die", "destroy"],
            ]
            struct Seen: Error {}
            let isOpen = Latch()
            let events = Collected<EngineEvent>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        try await engine.client.events(filters: filters, onOpen: { isOpen.open() }) { event in
                            if events.add(event) == 4 { throw Seen() }
                        }
                    } catch is Seen {}
                }
                await isOpen.wait()
                let name = engine.name()
                let id = try await engine.create(.printsAndFails, name: name)
                try await engine.client.startContainer(id)
                #expect(try await engine.wait(id) == 3)
                try await engine.client.removeContainer(id)
                try await group.waitForAll()
                #expect(events.all.map(\.action) == ["create", "start", "die", "destroy"])
                #expect(events.all.allSatisfy { $0.type == "container" && $0.actor.id == id })
                #expect(events.all.allSatisfy { $0.actor.attributes?["name"] == name })
                #expect(events.all[2].actor.attributes?["exitCode"] == "3")
                let times = events.all.map(\.timeInNanoseconds)
                #expect(times == times.sorted())
            }
            try await replay(engine, filters, expecting: events.all)
        }
    }

    /// What has been is replayed between two times.
    private func replay(
        _ engine: EngineUnderTest,
        _ filters: [String: [String]],
        expecting: [EngineEvent]
    ) async throws {
        let first = try #require(expecting.first).timeInNanoseconds
        let last = try #require(expecting.last).timeInNanoseconds
        func text(_ time: Int64) -> String {
            "\(time / 1_000_000_000).\(String(time % 1_000_000_000 + 1_000_000_000).dropFirst())"
        }
        let again = Collected<EngineEvent>()
        try await engine.client.events(since: text(first), until: text(last + 1), filters: filters) { event in
            _ = again.add(event)
        }
        #expect(again.all.map(\.action) == expecting.map(\.action))
    }
}

/// What a stream has brought so far.
final class Collected<Element: Sendable>: Sendable {
    private let elements = Observed<[Element]>([])

    var all: [Element] { elements.value }

    /// - Returns: How many there are now.
    func add(_ element: Element) -> Int {
        elements.change { elements in
            elements.append(element)
            return elements.count
        }
    }
}
