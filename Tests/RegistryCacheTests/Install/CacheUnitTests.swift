import Foundation
import RoostTesting
import Testing

@testable import RegistryCache

@Suite("The unit and the NixOS module")
struct CacheUnitTests {
    /// The repository's folder of what is packaged.
    static let packaging = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "packaging")
    private static let systemdAnalyze = HostProgram.path("systemd-analyze")
    private static let nixInstantiate = HostProgram.path("nix-instantiate")

    private func packaged(_ path: String) throws -> String {
        try String(contentsOf: Self.packaging.appending(path: path), encoding: .utf8)
    }

    @Test("the packaged unit is the one that is installed")
    func onlyOneText() throws {
        #expect(try packaged("systemd/roost-cache.service") == CacheUnit().text)
        #expect(CacheUnit.isOwn(Array(CacheUnit().text.utf8)))
        #expect(!CacheUnit.isOwn(Array("[Unit]\n".utf8)))
    }

    @Test(
        "an argument reaches roost as it was given",
        arguments: [
            ("/usr/bin/roost", "/usr/bin/roost"), ("a b", "\"a b\""), ("100%", "100%%"), ("$HOME", "$$HOME"),
            ("", "\"\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""), ("a;b", "\"a;b\""), ("a\nb", "\"a\\nb\""),
            ("quay.io=https://q", "quay.io=https://q"),
        ]
    )
    func quoting(_ argument: String, _ quoted: String) {
        #expect(CacheUnit.quoted(argument) == quoted)
    }

    @Test("a program that the unit could not see is known", arguments: ["/home/me/roost", "/root/bin/roost", "/tmp/r"])
    func hidden(_ program: String) {
        #expect(CacheUnit.hides(program))
        #expect(!CacheUnit.hides("/usr/local" + program))
    }

    @Test(
        "systemd rates the unit's exposure at 2.5 or less",
        .enabled(if: systemdAnalyze != nil, "needs systemd-analyze: run `make test`")
    )
    func exposure() async throws {
        let program = try #require(Self.systemdAnalyze)
        try await TemporaryDirectory.with { folder in
            func rate(_ text: String) async throws -> Int {
                let path = try folder.write(text, to: "roost-cache.service")
                let ended = try await HostProgram.run(
                    program,
                    ["security", "--offline=true", "--no-pager", "--threshold=25", path]
                )
                return try #require(ended.exitCode)
            }
            let text = CacheUnit(arguments: ["--max-size", "50gb", "--upstream", "quay.io=https://quay.io"]).text
            let exitCode = try await rate(text)
            #expect(exitCode == 0)
            // Systemd does rate what it is shown.
            let bare = text.split(separator: "\n").filter { !$0.hasPrefix("Protect") && !$0.hasPrefix("SystemCall") }
            let bareExitCode = try await rate(bare.joined(separator: "\n"))
            #expect(bareExitCode != 0)
        }
    }

    @Test(
        "systemd understands every line of the unit",
        .enabled(if: systemdAnalyze != nil, "needs systemd-analyze: run `make test`")
    )
    func verified() async throws {
        let program = try #require(Self.systemdAnalyze)
        try await TemporaryDirectory.with { folder in
            // Any program will do; it is not started.
            let path = try folder.write(CacheUnit(program: "/bin/true").text, to: "roost-cache.service")
            let ended = try await HostProgram.run(program, ["verify", "--man=no", path])
            #expect(ended.exitCode == 0)
            #expect(!ended.standardError.contains("roost-cache.service:"), "\(ended.standardError)")
        }
    }

    @Test(
        "the NixOS module is Nix, and evaluates to the unit, its arguments, its settings, its credentials and Docker's mirror",
        .enabled(if: nixInstantiate != nil, "needs nix-instantiate: run `make test`")
    )
    func nixModule() async throws {
        let nix = try #require(Self.nixInstantiate)
        let module = Self.packaging.appending(path: "nix/module.nix").path(percentEncoded: false)
        #expect(try await HostProgram.run(nix, ["--parse", module]).exitCode == 0)
        try await TemporaryDirectory.with { folder in
            let expression = try folder.write(Self.evaluation(of: module), to: "evaluation.nix")
            let ended = try await HostProgram.run(
                nix,
                ["--eval", "--strict", "--json", expression],
                environment: ["NIX_STATE_DIR": folder.path("state")]
            )
            #expect(ended.exitCode == 0, "\(ended.standardError)")
            let text = ended.standardOutput
            let found = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let command = CacheUnit(
                program: "/store/roost/bin/roost",
                arguments: ["--max-size", "50gb"]
            ).command
            #expect(found["ExecStart"] as? [String] == ["", command.joined(separator: " ")])
            #expect(found["unit"] as? String == CacheUnit().text)
            #expect(found["mirrors"] as? [String] == ["http://127.0.0.1:5555"])
            #expect(found["LoadCredential"] as? [String] == ["docker.io:/run/secrets/hub"])
            // In place of the settings' folder stands their text.
            let environment = found["environment"] as? [String: String]
            #expect(
                environment?["XDG_CONFIG_HOME"] == """
                    [cache.upstreams."docker.io"]
                    username = "me"
                    token_file = "/run/credentials/roost-cache.service/docker.io"
                    [cache.upstreams."registry.example.org"]
                    url = "https://registry.example.org"
                    private_hosts = ["registry.example.org"]

                    """
            )
            #expect(found["wantedBy"] as? [String] == ["multi-user.target"])
            #expect(found["allowed"] as? [Bool] == [true, true])
            #expect(found["refused"] as? [Bool] == [false, false], "a token in the store, and one of nobody")
        }
    }

    /// The module with settings, and as much of nixpkgs' library as it uses.
    private static func evaluation(of module: String) -> String {
        """
        let
          lib = rec {
            filterAttrs = keep: set: builtins.listToAttrs (map (n: { name = n; value = set.${n}; })
              (builtins.filter (n: keep n set.${n}) (builtins.attrNames set)));
            mapAttrsToList = f: set: map (n: f n set.${n}) (builtins.attrNames set);
            optionals = c: list: if c then list else [ ];
            concatLists = builtins.concatLists;
            concatStrings = builtins.concatStringsSep "";
            optionalString = c: text: if c then text else "";
            hasPrefix = p: s: builtins.substring 0 (builtins.stringLength p) s == p;
            mkIf = c: v: if c then v else { };
            mkBefore = v: v;
            mkOption = o: o;
            mkEnableOption = d: { description = d; };
            literalExpression = t: t;
            types = { package = 0; bool = 0; str = 0; strMatching = p: p; nullOr = t: t; attrsOf = t: t; submodule = m: m;
              listOf = t: t; };
          };
          upstream = { url = null; user = null; tokenFile = null; privateHosts = [ ]; };
          make = upstreams: import \(module) {
            inherit lib;
            pkgs.writeTextDir = name: text: { inherit text; outPath = if name == "roost/config.toml" then text else name; };
            utils.escapeSystemdExecArgs = builtins.concatStringsSep " ";
            config.services.roost.cache = {
              enable = true; package = "/store/roost"; listen = "127.0.0.1:5555"; maxSize = "50gb"; minFree = null;
              dockerMirror = true; inherit upstreams;
            };
          };
          made = make {
            "docker.io" = upstream // { user = "me"; tokenFile = "/run/secrets/hub"; };
            "registry.example.org" = upstream // {
              url = "https://registry.example.org"; privateHosts = [ "registry.example.org" ];
            };
          };
          wrong = make { "docker.io" = upstream // { tokenFile = "${builtins.storeDir}/token"; }; };
          service = made.config.systemd.services.roost-cache;
        in {
          inherit (service.serviceConfig) ExecStart LoadCredential;
          inherit (service) environment wantedBy;
          unit = (builtins.head made.config.systemd.packages).text;
          mirrors = made.config.virtualisation.docker.daemon.settings.registry-mirrors;
          allowed = map (a: a.assertion) made.config.assertions;
          refused = map (a: a.assertion) wrong.config.assertions;
          options = builtins.attrNames made.options.services.roost.cache;
        }
        """
    }
}

/// Programs of the host, where it has them.
enum HostProgram {
    static func path(_ name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (folders + ["/usr/bin", "/usr/sbin"]).map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> RoostProcess.Outcome {
        try await RoostProcess.run(
            RoostProcess.Command(
                executable: program,
                arguments: arguments,
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"].merging(environment) { $1 },
                workingDirectory: "/"
            )
        )
    }
}
