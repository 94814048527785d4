extension Platform {
    /// The platforms whose images run on this one, the best first, as containerd's `platforms.Only` orders them:
    /// the platform itself, older variants, and the 32-bit architecture that the machine also runs.
    package var runnable: [Platform] {
        switch architecture {
        case "amd64":
            let plain = variant == nil ? [] : [with("amd64", nil)]
            return [self] + olderVariants(downTo: 2) + plain + [with("386", nil)]
        case "arm64":
            let plain = variant == nil ? [] : [with("arm64", nil)]
            return [self] + plain + with("arm", "v8").runnable
        case "arm":
            return [self] + olderVariants(downTo: 5)
        default:
            return [self]
        }
    }

    private var variantNumber: Int? {
        guard let variant, variant.utf8.count == 2, variant.first == "v" else { return nil }
        return variant.last?.wholeNumberValue
    }

    private func olderVariants(downTo oldest: Int) -> [Platform] {
        guard let number = variantNumber, number > oldest else { return [] }
        return (oldest..<number).reversed().map { with(architecture, "v\($0)") }
    }

    private func with(_ architecture: String, _ variant: String?) -> Platform {
        Platform(os: os, architecture: architecture, variant: variant)
    }
}

extension ImageIndex {
    /// The entry to use on `platform`: that platform's, else the best that runs there.
    ///
    /// Where several entries are for the same platform the first is taken. An index of a single entry that names no
    /// platform is taken at its word.
    package func manifest(for platform: Platform) -> Descriptor? {
        for candidate in platform.runnable {
            if let match = manifests.first(where: { $0.platform == candidate }) { return match }
        }
        if manifests.count == 1, let only = manifests.first, only.platform == nil { return only }
        return nil
    }
}
