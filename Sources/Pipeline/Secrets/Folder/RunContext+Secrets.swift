/// The secrets of a step's container, from before it is created until it is gone.
extension RunContext {
    /// Makes the files of a step's secrets; to be called ahead of each creation of a container for it.
    ///
    /// - Returns: The folder, to be removed once the container is; `nil` where the step has no secrets that are files.
    /// - Throws: ``SecretFolderError``.
    func makeSecretFolder(for step: StepDefinition) throws(SecretFolderError) -> SecretFolder? {
        let files = secrets.files(for: step)
        guard !files.isEmpty else { return nil }
        guard let secretPlace else { throw .noMemory(looked: []) }
        return try SecretFolder(files, in: secretPlace, owner: owner)
    }
}
