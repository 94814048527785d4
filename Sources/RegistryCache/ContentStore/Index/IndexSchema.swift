import GRDB

/// The tables of the index, as a row of steps that are only ever added to.
enum IndexSchema {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("blobs, names", migrate: blobsAndNames)
        return migrator
    }()

    private static func blobsAndNames(_ db: Database) throws {
        // Digests are written out, `sha256:…`. Times are seconds since 1970. `use_order` is a blob's place in the order of
        // eviction, `check_order` its place in the order in which files are read again.
        try db.execute(
            sql: """
                CREATE TABLE blob (
                  digest TEXT NOT NULL PRIMARY KEY,
                  size INTEGER NOT NULL,
                  media_type TEXT,
                  use_order INTEGER NOT NULL,
                  used_at REAL NOT NULL,
                  check_order INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX blob_by_use ON blob(use_order, digest);
                CREATE INDEX blob_by_check ON blob(check_order, digest);
                CREATE INDEX manifest_by_time ON blob(used_at, digest) WHERE media_type IS NOT NULL;

                CREATE TABLE partial (
                  digest TEXT NOT NULL PRIMARY KEY,
                  size INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE child (
                  parent TEXT NOT NULL,
                  child TEXT NOT NULL,
                  PRIMARY KEY (parent, child)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE tag (
                  upstream TEXT NOT NULL,
                  repository TEXT NOT NULL,
                  name TEXT NOT NULL,
                  digest TEXT NOT NULL,
                  media_type TEXT NOT NULL,
                  size INTEGER,
                  checked_at REAL NOT NULL,
                  PRIMARY KEY (upstream, repository, name)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX tag_by_digest ON tag(digest);
                CREATE INDEX tag_by_time ON tag(checked_at, digest);

                CREATE TABLE member (
                  digest TEXT NOT NULL,
                  upstream TEXT NOT NULL,
                  repository TEXT NOT NULL,
                  PRIMARY KEY (digest, upstream, repository)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE pin (
                  reference TEXT NOT NULL PRIMARY KEY,
                  digest TEXT NOT NULL,
                  pinned_at REAL NOT NULL
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE counter (
                  name TEXT NOT NULL PRIMARY KEY,
                  value INTEGER NOT NULL
                ) STRICT, WITHOUT ROWID;
                """
        )
    }
}
