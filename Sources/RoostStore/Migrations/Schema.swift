import GRDB

/// The tables, as a row of steps that are only ever added to.
enum Schema {
    static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("runs, leases, tickets", migrate: runsLeasesTickets)
        return migrator
    }()

    private static func runsLeasesTickets(_ db: Database) throws {
        // Owners are `boot/pid/start/namespace`, as in the labels. Times are for people: nothing expires by them.
        try db.execute(
            sql: """
                CREATE TABLE run (
                  number INTEGER PRIMARY KEY AUTOINCREMENT,
                  id TEXT NOT NULL UNIQUE,
                  engine TEXT NOT NULL,
                  owner TEXT NOT NULL,
                  project TEXT NOT NULL,
                  started_at REAL NOT NULL,
                  ended_at REAL,
                  status TEXT,
                  exit_code INTEGER
                ) STRICT;
                CREATE INDEX unfinished_run ON run(engine) WHERE status IS NULL;

                CREATE TABLE step_exit (
                  run TEXT NOT NULL REFERENCES run(id) ON DELETE CASCADE,
                  stage TEXT NOT NULL,
                  step TEXT NOT NULL,
                  attempt INTEGER NOT NULL,
                  exit_code INTEGER NOT NULL,
                  PRIMARY KEY (run, stage, step, attempt)
                ) STRICT, WITHOUT ROWID;

                CREATE TABLE lease (
                  number INTEGER PRIMARY KEY AUTOINCREMENT,
                  engine TEXT NOT NULL,
                  kind TEXT NOT NULL,
                  subject TEXT NOT NULL,
                  owner TEXT NOT NULL,
                  taken_at REAL NOT NULL
                ) STRICT;

                CREATE TABLE ticket (
                  number INTEGER PRIMARY KEY AUTOINCREMENT,
                  engine TEXT NOT NULL,
                  owner TEXT NOT NULL,
                  run TEXT NOT NULL,
                  step TEXT NOT NULL,
                  bytes INTEGER NOT NULL,
                  admitted INTEGER NOT NULL
                ) STRICT;

                CREATE TABLE container (
                  number INTEGER PRIMARY KEY AUTOINCREMENT,
                  engine TEXT NOT NULL,
                  owner TEXT NOT NULL,
                  kind TEXT NOT NULL,
                  name TEXT NOT NULL,
                  container_id TEXT
                ) STRICT;
                """
        )
    }
}
