import Foundation
import RegistryCache
import RoostCore

/// What the cache says, for people.
enum CacheText {
    static func status(_ status: CacheStatusDocument) -> String {
        let size = status.size
        let share = size.max > 0 ? " (\(size.used * 100 / size.max) %)" : ""
        let requests = status.requests
        var lines = [
            "serving  \(status.address) from \(status.folder), since \(status.startedAt.formatted(.iso8601))",
            "size     \(bytes(size.used)) of \(bytes(size.max))\(share), \(count(size.storedCount, "blob"))"
                + (size.diskFree.map { ", \(bytes($0)) free on the disk" } ?? ""),
        ]
        if size.fillingCount > 0 {
            lines.append("filling  \(count(size.fillingCount, "blob")), \(bytes(size.filling)) reserved")
        }
        if size.quarantinedCount > 0 {
            lines.append(
                "damaged  \(count(size.quarantinedCount, "file")), \(bytes(size.quarantined)), put aside; 'roost cache gc' removes them"
            )
        }
        if status.pins > 0 { lines.append("pins     \(count(status.pins, "image"))") }
        lines.append(
            "answers  \(count(Int(requests.hits), "hit")), \(requests.misses) missed, \(requests.joined) joined, "
                + "\(requests.revalidated) revalidated, \(requests.stale) stale, \(requests.uncached) not kept"
        )
        lines.append("saved    \(bytes(requests.savedBytes)) of \(bytes(requests.bytes)) served")
        if status.evictions.count > 0 {
            lines.append("evicted  \(count(Int(status.evictions.count), "blob")), \(bytes(status.evictions.bytes))")
        }
        let width = status.upstreams.reduce(0) { max($0, DisplayWidth.of($1.name)) }
        lines += [""] + status.upstreams.map { upstream($0, width) }
        return lines.map { $0 + "\n" }.joined()
    }

    private static func upstream(_ upstream: CacheStatusDocument.Upstream, _ width: Int) -> String {
        var parts = [count(upstream.requests, "request"), bytes(upstream.bytes)]
        if let remaining = upstream.rateLimit?.remaining {
            parts.append("\(remaining)\(upstream.rateLimit?.limit.map { " of \($0)" } ?? "") pulls left")
        }
        if let wait = upstream.heldOffSeconds { parts.append("rate limited, asked again in \(seconds(wait))") }
        switch (upstream.breaker, upstream.restSeconds) {
        case ("closed", _): break
        case (_, let rest?): parts.append("down, asked again in \(seconds(rest))")
        case (_, nil): parts.append("down, being asked again")
        }
        if let error = upstream.lastError {
            parts.append("last error\(upstream.lastErrorAgeSeconds.map { " \(seconds($0)) ago" } ?? ""): \(error)")
        }
        return pad(upstream.name, width) + "  " + parts.joined(separator: ", ")
    }

    static func list(_ list: CacheListDocument) -> String {
        guard !list.entries.isEmpty || !list.pins.isEmpty else { return "nothing is stored\n" }
        let entries = list.entries.map { entry in
            let hold = entry.hold == "none" ? "" : entry.hold
            let names = entry.tags.isEmpty ? entry.repositories : entry.tags
            return trimmed(
                "\(entry.digest)  \(pad(bytes(entry.size), 9))  \(pad(entry.kind, 8))  \(pad(hold, 6))  "
                    + "\(entry.lastUsed.formatted(.iso8601))  \(names.joined(separator: " "))"
            )
        }
        let pins = list.pins.map { "pin  \($0.image)  \($0.digest)  since \($0.pinnedAt.formatted(.iso8601))" }
        return (entries + pins).map { $0 + "\n" }.joined()
    }

    static func collection(_ done: CacheCollectionDocument) -> String {
        let going = done.dryRun ? "would go" : "went"
        let width = going.count
        let lines = done.candidates.map { candidate in
            "\(pad(candidate.goes ? going : "stays", width))  \(candidate.digest)  \(pad(bytes(candidate.size), 9))  "
                + "\(pad(candidate.kind, 11))  \(candidate.reason)"
        }
        let end: String
        if done.wanted == 0 {
            end = "nothing is over the limits"
        } else if done.suffices {
            end = "\(bytes(done.freed)) \(done.dryRun ? "would be" : "were") freed, \(bytes(done.wanted)) were wanted"
        } else {
            end =
                "only \(bytes(done.freed)) of \(bytes(done.wanted)) can be freed: the rest is pinned or needed by runs; "
                + "let go of pins by 'roost cache unpin'"
        }
        return (lines + [end]).map { $0 + "\n" }.joined()
    }

    // MARK: Images

    static func prefetch(_ done: CachePrefetchDocument) -> String {
        done.images.map { fetched($0) + "\n" }.joined()
    }

    static func pin(_ done: CachePinDocument) -> String {
        "\(done.pinned ? "pinned" : "not pinned")  \(fetched(done.image))\n"
    }

    static func unpin(_ done: CacheUnpinDocument) -> String {
        done.wasPinned ? "unpinned  \(done.image)\n" : "\(done.image) was not pinned: 'roost cache ls' lists the pins\n"
    }

    private static func fetched(_ image: FetchedImage) -> String {
        if let error = image.error { return "\(image.image): not whole: \(error)" }
        let what =
            "\(count(image.fetched, "blob")) fetched (\(bytes(image.fetchedBytes))), \(image.present) there already"
        return "\(image.image)\(image.platform.map { " for \($0)" } ?? ""): \(what)"
    }

    static func verification(_ done: CacheVerificationDocument) -> String {
        let lines = done.damaged.map { damaged in
            "damaged  \(damaged.digest)  \(bytes(damaged.size))  "
                + (damaged.refetched ? "fetched again" : "not fetched again: \(damaged.error ?? "no reason is known")")
        }
        let end = "\(count(done.checked, "file")) read again (\(bytes(done.bytes))), \(done.damaged.count) damaged"
        return (lines + [end]).map { $0 + "\n" }.joined()
    }

    /// A step of something that takes its time.
    static func line(_ progress: CacheProgress) -> String {
        let place = "\(progress.subject)  \(progress.digest)"
        return switch progress.state {
        case .present: "\(place)  is there, \(bytes(progress.size))"
        case .fetching: "\(place)  \(bytes(progress.bytes)) of \(bytes(progress.size))"
        case .fetched: "\(place)  fetched, \(bytes(progress.size))"
        case .damaged: "\(place)  is damaged, and put aside"
        case .failed: "\(place)  could not be fetched"
        }
    }

    // MARK: Words

    private static func bytes(_ count: Int64) -> String { "\(ByteCount(count))" }
    private static func seconds(_ count: Double) -> String { DurationText.format(.milliseconds(Int64(count * 1000))) }
    private static func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - DisplayWidth.of(text)))
    }

    private static func trimmed(_ text: String) -> String { String(text.reversed().drop { $0 == " " }.reversed()) }
}
