/// Something in the workspace that has changed.
package struct Change: Hashable, Sendable {
    /// Below the workspace, with a slash between each two names.
    package let path: String
    /// Whether there was something of that name before.
    package let wasThere: Bool

    package init(_ path: String, wasThere: Bool) {
        self.path = path
        self.wasThere = wasThere
    }

    /// More has changed than the kernel could tell.
    package static let everything = Change("", wasThere: true)
}
