package import NIOHTTP1

/// What a request on the control socket is answered.
package enum ControlAnswer: Sendable {
    case whole(status: Int, type: String, headers: [String: String] = [:], body: [UInt8])
    /// JSON lines, sent as they come to be: the work gets what takes each.
    case lines(@Sendable (_ send: @escaping @Sendable ([UInt8]) async throws -> Void) async throws -> Void)

    static let json = "application/json"
    static let jsonLines = "application/jsonl"
}

/// The routes of the control socket: a request in, an answer out, whatever carries them.
package struct ControlRoutes: Sendable {
    private let operations: CacheOperations

    package init(_ operations: CacheOperations) { self.operations = operations }

    package func answer(_ method: HTTPMethod, _ target: String) async -> ControlAnswer {
        do {
            return try await answer(try ControlRoute(method, target))
        } catch let refusal as ControlRoute.Refusal {
            return Self.refused(
                refusal.status,
                refusal.description,
                headers: refusal.allowed.map { ["Allow": $0] } ?? [:]
            )
        } catch {
            return Self.refused(500, "\(error)")
        }
    }

    private func answer(_ route: ControlRoute) async throws -> ControlAnswer {
        switch route {
        case .status: try Self.document(try await operations.status())
        case .metrics:
            .whole(
                status: 200,
                type: "text/plain; version=0.0.4; charset=utf-8",
                body: [UInt8](try await operations.metrics().utf8)
            )
        case .list(let limit): try Self.document(try await operations.list(limit: limit))
        case .collect(let bytes, let dryRun):
            try Self.document(try await operations.collect(bytes: bytes, dryRun: dryRun))
        case .unpin(let image): try Self.document(try await operations.unpin(image))
        case .pin(let image, let platform):
            Self.lines { try await operations.pin(image, platform, progress: $0) }
        case .prefetch(let images, let platform):
            Self.lines { try await operations.prefetch(images, platform, progress: $0) }
        case .verify(let rate): Self.lines { try await operations.verify(bytesPerSecond: rate, progress: $0) }
        }
    }

    private static func document(_ document: some Encodable) throws -> ControlAnswer {
        .whole(status: 200, type: ControlAnswer.json, body: try ControlJSON.encode(document))
    }

    private static func refused(_ status: Int, _ text: String, headers: [String: String] = [:]) -> ControlAnswer {
        // Two texts can always be encoded.
        let body = (try? ControlJSON.encode(ControlErrorDocument(text))) ?? []
        return .whole(status: status, type: ControlAnswer.json, headers: headers, body: body)
    }

    private static func lines<Document: Codable & Sendable>(
        _ work: @escaping @Sendable (_ progress: @escaping CacheOperations.Progress) async throws -> Document
    ) -> ControlAnswer {
        .lines { send in
            typealias Line = ControlLine<Document>
            let document: Document
            do {
                document = try await work { try await send(try ControlJSON.encode(Line(progress: $0))) }
            } catch let error as CancellationError {
                throw error
            } catch {
                try await send(try ControlJSON.encode(Line(error: "\(error)")))
                return
            }
            try await send(try ControlJSON.encode(Line(result: document)))
        }
    }
}
