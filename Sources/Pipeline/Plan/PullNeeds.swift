package import ImagePull

extension PipelinePlan {
    /// What the plan needs of the registries: the images of each stage, in the order of the stages.
    ///
    /// - Parameters:
    ///   - lock: Digests to take the images by; `nil` takes what their tags name now.
    ///   - policy: When to pull, whatever the pipeline says; `nil` leaves it to the pipeline.
    /// - Returns: One request for each image of each stage.
    package func pullRequests(lock: LockFile?, policy: PullPolicy? = nil) -> [PullRequest] {
        stages.enumerated().flatMap { index, stage in
            stage.images.map { image in
                PullRequest(
                    reference: image.reference,
                    policy: policy ?? image.pull,
                    group: index,
                    locked: lock?.digest(for: image.reference)
                )
            }
        }
    }
}
