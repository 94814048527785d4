/// Whether Roost can write what it keeps, and use the logins that Docker keeps.
struct FileChecks {
    let facts: HostFacts

    func checks() -> [Check] {
        [
            logins(),
            folder(.stateFolder, facts.stateFolder, "Roost keeps its identity there, and runs nothing without it"),
            folder(.logFolder, facts.logFolder, "runs write their logs there"),
        ]
    }

    private func folder(_ id: Check.ID, _ folder: FolderFacts, _ use: String) -> Check {
        guard let obstacle = folder.obstacle else { return .ok(id, folder.path) }
        let place = ShellWord.quote(obstacle.path)
        let otherHome = Remedy.Step.command("export ROOST_HOME=\"$HOME/.roost\"")
        let isState = id == .stateFolder
        let reason: String
        let remedy: Remedy
        switch obstacle.kind {
        case .notPermitted:
            reason = "\(obstacle.path) is not yours to write to"
            // A folder above that exists may be one that is rightly root's.
            let own = Remedy.Step.command("sudo chown \"$USER\" \(place)")
            let make = Remedy.Step.command(
                "sudo install -d -o \"$USER\" -m 700 \(ShellWord.quote(folder.path))"
            )
            remedy = Remedy(
                isState ? "make the folder yours, or keep state elsewhere" : "make the folder yours",
                obstacle.path == folder.path ? own : make,
                then: isState ? [otherHome] : []
            )
        case .readOnlyFileSystem:
            reason = "\(obstacle.path) is on a read-only file system"
            remedy =
                isState
                ? Remedy("keep state elsewhere", otherHome)
                : Remedy("run in a copy of the project that can be written to", .command("cp -R . \"$HOME/project\""))
        case .notAFolder:
            reason = "\(obstacle.path) is not a folder"
            remedy = Remedy("put it aside", .command("mv \(place) \(place).aside"))
        case .other(let problem):
            reason = "\(obstacle.path): \(problem)"
            remedy = Remedy("look at the folder", .command("ls -ld \(place)"))
        }
        return .fail(id, "\(folder.path) can't be written to: \(reason); \(use)", remedy)
    }

    private func logins() -> Check {
        switch facts.logins {
        case .damaged(let path, let problem):
            let file = ShellWord.quote(path)
            return .fail(
                .logins,
                problem,
                Remedy(
                    "put it aside, and log in again",
                    .command("mv \(file) \(file).damaged"),
                    .command("docker login")
                )
            )
        case .read(_, let helpers, let missing) where missing.isEmpty:
            let names = helpers.map { "docker-credential-\($0)" }.joined(separator: ", ")
            return .ok(.logins, helpers.isEmpty ? "no credential helper is named" : names)
        case .read(let path, _, let missing):
            let programs = missing.map { "docker-credential-\($0)" }.joined(separator: ", ")
            return .warn(
                .logins,
                "\(path) names \(programs), which is not in PATH: registries are used without a login",
                Remedy(
                    "install what is missing, or name no helper (or remove those entries of credHelpers)",
                    .line("\"credsStore\": \"\"", file: path)
                )
            )
        }
    }
}
