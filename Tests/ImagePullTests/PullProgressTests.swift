import DockerEngine
import Foundation
import OCIDistribution
import RoostTesting
import Testing

@testable import ImagePull

@Suite("Progress of pulls")
struct PullProgressTests {
    /// As an engine 20.10 streamed it, without the drawn bars.
    private let first = """
        {"status":"Pulling from library/busybox","id":"1"}
        {"status":"Pulling fs layer","progressDetail":{},"id":"12b7b0302c41"}
        {"status":"Downloading","progressDetail":{"current":101981,"total":7104660},"id":"12b7b0302c41"}
        {"status":"Verifying Checksum","progressDetail":{},"id":"12b7b0302c41"}
        {"status":"Download complete","progressDetail":{},"id":"12b7b0302c41"}
        {"status":"Extracting","progressDetail":{"current":98304,"total":7104660},"id":"12b7b0302c41"}
        {"status":"Extracting","progressDetail":{"current":7104660,"total":7104660},"id":"12b7b0302c41"}
        {"status":"Pull complete","progressDetail":{},"id":"12b7b0302c41"}
        {"status":"Digest: sha256:9d3aae1d556dee7bbbfe6d47a7394660e1a64ed6792c45ab6120aa2ab3b4fcdd"}
        {"status":"Status: Downloaded newer image for 127.0.0.1:44395/library/busybox:1"}
        """
    private let second = """
        {"status":"Pulling from library/alpha","id":"1"}
        {"status":"Already exists","progressDetail":{},"id":"12b7b0302c41"}
        {"status":"Pulling fs layer","progressDetail":{},"id":"f78815fe608c"}
        {"status":"Downloading","progressDetail":{"current":69213,"total":6001324},"id":"f78815fe608c"}
        {"status":"Download complete","progressDetail":{},"id":"f78815fe608c"}
        {"status":"Extracting","progressDetail":{"current":6001324,"total":6001324},"id":"f78815fe608c"}
        {"status":"Pull complete","progressDetail":{},"id":"f78815fe608c"}
        """

    private func layers(_ book: PullProgressBook, _ image: ImageReference) -> [LayerProgress] {
        book.progress(of: image).layers
    }

    @Test("a recorded stream leads from waiting to complete, with the bytes that came")
    func recorded() throws {
        let image = try ref("busybox:1")
        var book = PullProgressBook()
        var states: [LayerProgress.State] = []
        for message in try messages(first) where book.apply(message, to: image) {
            states.append(layers(book, image)[0].state)
        }
        #expect(states == [.waiting, .downloading, .verifying, .extracting, .complete])
        #expect(
            layers(book, image) == [
                LayerProgress(layer: "12b7b0302c41", state: .complete, downloaded: 7_104_660, total: 7_104_660)
            ]
        )
        #expect(book.bytes(of: image) == 7_104_660)
    }

    @Test("a layer that was there already has no bytes")
    func exists() throws {
        let image = try ref("alpha:1")
        var book = PullProgressBook()
        for message in try messages(second) { _ = book.apply(message, to: image) }
        #expect(layers(book, image).map(\.state) == [.exists, .complete])
        #expect(book.bytes(of: image) == 6_001_324)
    }

    @Test("a layer that several pulls wait for is counted for the first that saw it move")
    func shared() throws {
        let (a, b) = (try ref("a"), try ref("b"))
        var book = PullProgressBook()
        let stream = try messages(first)
        for message in stream.prefix(2) { _ = book.apply(message, to: a) }
        for message in stream { _ = book.apply(message, to: b) }
        for message in stream.dropFirst(2) { _ = book.apply(message, to: a) }
        #expect(book.bytes(of: b) == 7_104_660)
        #expect(book.bytes(of: a) == 0)
        #expect(layers(book, a) == layers(book, b))
    }

    @Test("a pull that starts over counts the bytes of a layer once")
    func again() throws {
        let image = try ref("a")
        var book = PullProgressBook()
        let stream = try messages(first)
        for message in stream.prefix(3) + stream { _ = book.apply(message, to: image) }
        #expect(book.bytes(of: image) == 7_104_660)
    }

    @Test("tags that look like layers, unknown words and messages about the whole say nothing of layers")
    func unknown() throws {
        let image = try ref("a")
        var book = PullProgressBook()
        let stream = try messages(
            """
            {"status":"Pulling from library/x","id":"12b7b0302c41"}
            {"status":"Retrying in 5 seconds","id":"12b7b0302c41"}
            {"status":"Downloading","id":"latest"}
            {"status":"Downloading"}
            {"id":"12b7b0302c41"}
            {}
            """
        )
        for message in stream {
            let isChange = book.apply(message, to: image)
            #expect(!isChange)
        }
        #expect(layers(book, image).isEmpty)
    }

    @Test("numbers that can't be are bounded")
    func bounds() throws {
        let image = try ref("a")
        var book = PullProgressBook()
        let stream = try messages(
            """
            {"status":"Downloading","progressDetail":{"current":-5,"total":-7},"id":"12b7b0302c41"}
            {"status":"Downloading","progressDetail":{"current":99,"total":7},"id":"12b7b0302c41"}
            {"status":"Downloading","progressDetail":{"current":9223372036854775807},"id":"22b7b0302c41"}
            {"status":"Downloading","progressDetail":{"current":9223372036854775807},"id":"32b7b0302c41"}
            """
        )
        for message in stream { _ = book.apply(message, to: image) }
        #expect(
            layers(book, image)[0] == LayerProgress(layer: "12b7b0302c41", state: .downloading, downloaded: 7, total: 7)
        )
        #expect(book.bytes(of: image) == .max)
    }

    @Test("a stream of endless layers does not grow without bound")
    func manyLayers() throws {
        let image = try ref("a")
        var book = PullProgressBook()
        for number in 0..<3000 {
            let id = String(number + 0x1000_0000_0000, radix: 16)
            _ = book.apply(try messages(#"{"status":"Waiting","id":"\#(id)"}"#)[0], to: image)
        }
        #expect(layers(book, image).count == PullProgressBook.mostLayers)
    }

    @Test("a report is let through five times a second for each image")
    func throttle() throws {
        var throttle = ProgressThrottle()
        let (a, b) = (try ref("a"), try ref("b"))
        let start = ContinuousClock.now
        var count = 0
        for milliseconds in 0..<1000 where throttle.allows(a, at: start + .milliseconds(milliseconds)) { count += 1 }
        #expect(count == 5)
        let isAllowed = throttle.allows(b, at: start)
        #expect(isAllowed)
    }

    @Test("what was held back is reported at the end, and only then again")
    func flush() async throws {
        let image = try ref("a")
        let seen = EventLog()
        let reporter = ProgressReporter(onEvent: { await seen.append($0) })
        for message in try messages(first) { await reporter.take(message, of: image) }
        await reporter.flush(image)
        await reporter.flush(image)
        let reports = await seen.events.compactMap { if case .progress(let progress) = $0 { progress } else { nil } }
        #expect(reports.last?.layers.map(\.state) == [.complete])
        #expect(reports.count < 5)
        #expect(reporter.bytes(of: image) == 7_104_660)
    }

    @Test("random messages crash nothing and break no promise of a layer's figures")
    func soakFuzz() async throws {
        let image = try ref("a")
        let words = [
            "Pulling fs layer", "Downloading", "Verifying Checksum", "Download complete", "Extracting", "Pull complete",
            "Already exists", "Waiting", "\u{0}", "", "Downloading ",
        ]
        let ids = ["12b7b0302c41", "22b7b0302c41", "latest", "", "ABCDEF123456", "é2b7b0302c4"]
        try await Fuzzing.run(rounds: 300) { random in
            var book = PullProgressBook()
            for _ in 0..<50 {
                let numbers = [Int64.min, -1, 0, 1, 1000, Int64.max, Int64.random(in: .min ... .max, using: &random)]
                let current = numbers.randomElement(using: &random) ?? 0
                let total = numbers.randomElement(using: &random) ?? 0
                var text = """
                    {"status":"\(words.randomElement(using: &random) ?? "")","id":"\(ids.randomElement(using: &random) ?? "")",\
                    "progressDetail":{"current":\(current),"total":\(total)}}
                    """
                if Int.random(in: 0..<4, using: &random) == 0 {
                    var bytes = Array(text.utf8)
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                    text = String(decoding: bytes, as: UTF8.self)
                }
                guard let message = try? JSONDecoder().decode(PullMessage.self, from: Data(text.utf8)) else { continue }
                _ = book.apply(message, to: image)
                for layer in book.progress(of: image).layers {
                    guard layer.downloaded >= 0, layer.total >= 0, layer.downloaded <= layer.total,
                        layer.layer.utf8.count == 12
                    else { throw FuzzFailure(description: "\(layer) after \(text)") }
                }
                guard book.bytes(of: image) >= 0 else { throw FuzzFailure(description: "bytes after \(text)") }
            }
        }
    }

    private struct FuzzFailure: Error, CustomStringConvertible {
        let description: String
    }
}

/// The events of a pull, in order.
actor EventLog {
    private(set) var events: [PullEvent] = []
    func append(_ event: PullEvent) { events.append(event) }
}
