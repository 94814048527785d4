import NIOHTTP1
import OCIDistribution
import Testing

@testable import RegistryCache

@Suite("What can be asked on the control socket")
struct ControlRouteTests {
    private static func reference(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }

    @Test("is written and read the same")
    func roundTrip() throws {
        let images = [
            try Self.reference("debian"), try Self.reference("quay.io/org/a-b_c:1.0+2".replacing("+2", with: "")),
            try Self.reference("localhost:5000/x@sha256:\(String(repeating: "a", count: 64))"),
        ]
        let platform = Platform(os: "linux", architecture: "arm", variant: "v7")
        var routes: [ControlRoute] = [
            .status, .metrics, .list(limit: 3), .collect(bytes: nil, dryRun: true), .collect(bytes: 5, dryRun: false),
            .verify(bytesPerSecond: nil), .verify(bytesPerSecond: 7), .prefetch(images, platform),
        ]
        for image in images { routes += [.pin(image, platform), .unpin(image)] }
        for route in routes {
            let (method, target) = route.request
            #expect(try ControlRoute(method, target) == route)
        }
    }

    @Test(
        "is refused where it is something else",
        arguments: [
            (.GET, "/", 404, nil), (.GET, "/v2/", 404, nil), (.GET, "/v1/statusx", 404, nil),
            (.GET, "//host/v1/status", 400, nil), (.POST, "/v1/status", 405, "GET"), (.GET, "/v1/gc", 405, "POST"),
            (.GET, "/v1/pins", 405, "POST, DELETE"), (.POST, "/v1/gc?dry_run=yes", 400, nil),
            (.POST, "/v1/gc?bytes=-1", 400, nil), (.POST, "/v1/pins", 400, nil),
            (.POST, "/v1/pins?image=a&image=b", 400, nil), (.POST, "/v1/prefetch", 400, nil),
            (.POST, "/v1/prefetch?image=UPPER", 400, nil), (.POST, "/v1/prefetch?image=a&platform=%20", 400, nil),
            (.GET, "/v1/blobs?limit=many", 400, nil),
        ] as [(HTTPMethod, String, Int, String?)]
    )
    func refusals(_ method: HTTPMethod, _ target: String, _ status: Int, _ allowed: String?) {
        let refusal = #expect(throws: ControlRoute.Refusal.self) { try ControlRoute(method, target) }
        #expect(refusal?.status == status)
        #expect(refusal?.allowed == allowed)
    }
}
