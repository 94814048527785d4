import ImagePull
import OCIDistribution
import Testing

@Suite("Requests for images")
struct PullRequestTests {
    @Test("the same image under several spellings is wanted once, for all its groups")
    func merges() throws {
        let wanted = WantedImage.merge([
            PullRequest(reference: try ref("alpine"), group: 2),
            PullRequest(reference: try ref("busybox"), group: 1),
            PullRequest(reference: try ref("docker.io/library/alpine:latest"), group: 0),
            PullRequest(reference: try ref("index.docker.io/library/alpine"), group: 2),
        ])
        #expect(wanted.map(\.reference.familiar) == ["alpine:latest", "busybox:latest"])
        #expect(wanted[0].groups == [0, 2])
    }

    @Test("images come in the order of the groups, then of the file")
    func order() throws {
        let wanted = WantedImage.merge([
            PullRequest(reference: try ref("z"), group: 1),
            PullRequest(reference: try ref("b"), group: 0),
            PullRequest(reference: try ref("a"), group: 0),
        ])
        #expect(wanted.map(\.reference.name) == ["b", "a", "z"])
    }

    @Test("the most eager policy decides")
    func policy() throws {
        let alpine = try ref("alpine")
        for (policies, expected) in [
            ([PullPolicy.never, .missing], PullPolicy.missing), ([.always, .never], .always),
            ([.never, .never], .never),
        ] {
            #expect(
                WantedImage.merge(policies.map { PullRequest(reference: alpine, policy: $0) })[0].policy == expected
            )
        }
    }

    @Test("a lock pins what the engine is asked for, and leaves the name that was asked for")
    func locked() throws {
        let wanted = WantedImage.merge([PullRequest(reference: try ref("alpine:3"), locked: digest(1))])
        #expect(wanted[0].reference.familiar == "alpine:3")
        #expect(wanted[0].target.engineName == "alpine@\(digest(1))")
    }

    @Test("the engine is asked by digest where there is one, else by tag")
    func engineNames() throws {
        #expect(try ref("alpine").engineName == "alpine:latest")
        #expect(try ref("127.0.0.1:5000/x:1").engineName == "127.0.0.1:5000/x:1")
        #expect(try ref("alpine:3@\(digest(1))").engineName == "alpine@\(digest(1))")
    }
}
