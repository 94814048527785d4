package import NIOCore
package import NIOHTTP1

extension FakeEngine {
    /// One call as the fake engine got it.
    package struct Call: Sendable {
        package enum Ending: Sendable, Hashable {
            /// The answer was sent to its end, or to where a fault ended it.
            case answered
            /// The client went, or the engine was shut down, before the end of the answer.
            case abandoned
        }

        /// Counts the calls from 0.
        package let number: Int
        package let method: HTTPMethod
        /// The path without the API version, percent-decoded: `/containers/abc/start`.
        package let path: String
        let components: [String]
        /// As in the path, without the `v`.
        package let version: String?
        package let query: [HTTPTestRequest.QueryItem]
        package let headers: HTTPHeaders
        /// Numbers the connections of the server.
        package let connection: Int
        /// Empty for an upgraded call.
        package fileprivate(set) var body = ByteBuffer()
        package fileprivate(set) var status: Int?
        package fileprivate(set) var ending: Ending?

        package func queryValue(_ name: String) -> String? { query.first { $0.name == name }?.value }
    }
}

/// The calls of one fake engine.
final class CallLog: Sendable {
    let calls = Observed<[FakeEngine.Call]>([])

    func begin(_ request: HTTPTestRequest, version: String?, path: [String]) -> Int {
        calls.change { calls in
            let number = calls.count
            calls.append(
                FakeEngine.Call(
                    number: number,
                    method: request.method,
                    path: "/" + path.joined(separator: "/"),
                    components: path,
                    version: version,
                    query: request.query,
                    headers: request.headers,
                    connection: request.connection
                )
            )
            return number
        }
    }

    func setBody(_ body: ByteBuffer, of number: Int) { calls.change { $0[number].body = body } }
    func setStatus(_ status: HTTPResponseStatus, of number: Int) {
        calls.change { $0[number].status = Int(status.code) }
    }
    func end(_ number: Int, _ ending: FakeEngine.Call.Ending) { calls.change { $0[number].ending = ending } }
}
