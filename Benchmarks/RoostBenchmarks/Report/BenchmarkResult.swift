/// What one benchmark found.
struct BenchmarkResult {
    /// Further figures, in a table of their own.
    struct Detail {
        let title: String
        let columns: [String]
        let rows: [[String]]
    }

    let name: String
    /// One sentence: the work.
    let work: String
    /// Roost first.
    let timings: [Timings]
    let comparisons: [Comparison]
    var limits: [Limit] = []
    var details: [Detail] = []
}
