import Foundation
import NIOCore
import NIOHTTP1
import OCIDistribution
import RoostCore

/// `POST /images/create`: a pull, with the messages of a real one.
struct PullRoute {
    let engine: FakeEngine

    func handle(_ call: EngineCall) async throws {
        let tag = call.request.queryValue("tag") ?? ""
        let from = call.request.queryValue("fromImage") ?? ""
        let name = from + (tag.isEmpty ? "" : (tag.contains(":") ? "@" : ":") + tag)
        guard let reference = try? ImageReference(parsing: name) else {
            throw Refusal(.badRequest, "invalid reference format")
        }
        let wantsAll = reference.tag == nil && reference.digest == nil
        let offers = engine.images.value.offers(name: reference, wantsAllTags: wantsAll)
        guard !offers.isEmpty else {
            throw Refusal(.notFound, "manifest for \(reference.familiar) not found: manifest unknown: manifest unknown")
        }
        for (_, offer) in offers {
            if let status = offer.status {
                throw Refusal(HTTPResponseStatus(statusCode: status.code), status.message)
            }
            if let wanted = offer.credentials, credentials(of: call) != wanted {
                throw Refusal(
                    .notFound,
                    "pull access denied for \(reference.name), repository does not exist or may require "
                        + "'docker login': denied: requested access to the resource is denied"
                )
            }
        }
        try await call.answer.start(headers: ["Content-Type": "application/json"])
        for (reference, offer) in offers { try await pull(reference, offer, call.answer) }
        try await call.answer.finish()
    }

    private func credentials(of call: EngineCall) -> Credentials? {
        struct Login: Decodable {
            let username: String?
            let password: String?
            let identitytoken: String?
        }
        let text = call.request.headers.first(name: "x-registry-auth") ?? ""
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        guard let data = Data(base64Encoded: base64), let login = try? JSONDecoder().decode(Login.self, from: data)
        else { return nil }
        if let token = login.identitytoken { return .identityToken(token) }
        guard let username = login.username, let password = login.password else { return nil }
        return .password(username: username, password: password)
    }

    private func pull(_ reference: ImageReference, _ offer: FakeEngine.Offer, _ answer: FakeAnswer) async throws {
        let image = offer.image
        let known = engine.images.value.layers
        let repository = reference.registry == ImageReference.dockerHub ? reference.repository : reference.name
        let tag = reference.digest?.description ?? reference.tag ?? "latest"
        try await answer.writeLine(["status": .string("Pulling from \(repository)"), "id": .string(tag)])
        var isFirst = true
        for layer in image.layers {
            let id = String(layer.diffID.dropFirst(7).prefix(12))
            guard !known.contains(layer.diffID) else {
                try await message("Already exists", id, answer)
                continue
            }
            try await message("Pulling fs layer", id, answer)
            try await progress("Downloading", id, layer.size / 2, of: layer.size, answer)
            if isFirst {
                isFirst = false
                if let gate = offer.gate {
                    await gate.wait()
                    try Task.checkCancellation()
                }
                if let error = offer.streamError {
                    return try await answer.writeLine([
                        "errorDetail": ["message": .string(error)], "error": .string(error),
                    ])
                }
            }
            try await progress("Downloading", id, layer.size, of: layer.size, answer)
            try await message("Verifying Checksum", id, answer)
            try await message("Download complete", id, answer)
            try await progress("Extracting", id, layer.size, of: layer.size, answer)
            try await message("Pull complete", id, answer)
        }
        let isNew = engine.images.change { book in
            let isNew = book.find(reference.familiar)?.image.id != image.id
            book.add(image, as: reference)
            book.addDigest("\(reference.name)@\(image.manifestDigest)", to: image.id)
            return isNew
        }
        engine.happened(FakeEvent("image", "pull", id: reference.familiar, attributes: ["name": reference.name]))
        try await answer.writeLine(["status": .string("Digest: \(image.manifestDigest)")])
        let outcome = isNew ? "Downloaded newer image" : "Image is up to date"
        try await answer.writeLine(["status": .string("Status: \(outcome) for \(reference.familiar)")])
    }

    private func message(_ status: String, _ id: String, _ answer: FakeAnswer) async throws {
        try await answer.writeLine(["status": .string(status), "progressDetail": [:], "id": .string(id)])
    }

    private func progress(
        _ status: String,
        _ id: String,
        _ current: Int64,
        of total: Int64,
        _ answer: FakeAnswer
    ) async throws {
        try await answer.writeLine([
            "status": .string(status),
            "progressDetail": ["current": .integer(current), "total": .integer(total)],
            "progress": "[=====>      ]",
            "id": .string(id),
        ])
    }
}
