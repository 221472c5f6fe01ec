"""The statements by which each version of the job database is made from the version before.

A released version is never changed.
"""

from __future__ import annotations

_JOBS = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of the queue
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,                    -- the owner's folder
    key TEXT,                               -- NULL: none; NULLs are distinct
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,                  -- whole, as in request.json
    depth TEXT NOT NULL,
    source_names TEXT NOT NULL,             -- sorted JSON list
    profile TEXT NOT NULL,
    state TEXT NOT NULL,
    requested TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,     -- starts so far
    charged INTEGER NOT NULL DEFAULT 0,     -- deaths that count
    step_before INTEGER NOT NULL DEFAULT 0, -- how far any earlier attempt came
    outcome TEXT,
    summary TEXT NOT NULL DEFAULT '',
    error TEXT,
    active_seconds REAL,
    created_at INTEGER NOT NULL,            -- times: microseconds since 1970, UTC
    started_at INTEGER,
    ended_at INTEGER,
    fetched_at INTEGER,
    UNIQUE (owner, key)
)
"""

_PROFILES = """
CREATE TABLE profiles (
    id TEXT PRIMARY KEY,
    interpreter TEXT NOT NULL,              -- path of the Python that runs its jobs
    version TEXT NOT NULL,                  -- of mcp-jobs-server
    configuration TEXT NOT NULL,            -- path of research.toml, '' for none
    job_command TEXT NOT NULL,              -- JSON list
    settings TEXT NOT NULL,                 -- JSON object: what its runners are told
    secrets TEXT NOT NULL                   -- JSON list: names of variables, never their values
)
"""

_ADD = """INSERT INTO counts VALUES (new.owner, new.state, 1)
    ON CONFLICT DO UPDATE SET jobs = jobs + 1;"""
_TAKE = "UPDATE counts SET jobs = jobs - 1 WHERE owner = old.owner AND state = old.state;"

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        _JOBS,
        "CREATE INDEX jobs_by_state ON jobs (state, seq)",
        "CREATE INDEX jobs_by_owner ON jobs (owner, state, ended_at)",
    ),
    (
        # Queries about an owner's jobs take a few steps in one of these indexes, however many jobs
        # there are. The dropped index would be preferred to them.
        "DROP INDEX jobs_by_owner",
        "CREATE INDEX jobs_newest ON jobs (owner, seq)",
        "CREATE INDEX jobs_active ON jobs (owner, seq) WHERE ended_at IS NULL",
        "CREATE INDEX jobs_ended ON jobs (owner, ended_at, id) WHERE ended_at IS NOT NULL",
        "CREATE INDEX jobs_unread ON jobs (owner, fetched_at IS NOT NULL, ended_at, id)"
        " WHERE ended_at IS NOT NULL",
        "CREATE INDEX jobs_by_id ON jobs (owner, id)",
        "CREATE INDEX jobs_by_random_part ON jobs (owner, substr(id, 10))",
        "CREATE INDEX jobs_asked ON jobs (owner, fingerprint, seq)",
        "CREATE INDEX jobs_alike ON jobs (owner, depth, source_names, ended_at)"
        " WHERE active_seconds IS NOT NULL",
        "CREATE TABLE counts (owner TEXT, state TEXT, jobs INTEGER, PRIMARY KEY (owner, state))",
        "INSERT INTO counts SELECT owner, state, count(*) FROM jobs GROUP BY owner, state",
        f"CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN {_ADD} END",
        f"CREATE TRIGGER jobs_gone AFTER DELETE ON jobs BEGIN {_TAKE} END",
        f"CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs BEGIN {_TAKE} {_ADD} END",
        # The id of the boot of the machine in which the job was last claimed.
        "ALTER TABLE jobs ADD COLUMN boot TEXT NOT NULL DEFAULT ''",
        _PROFILES,
    ),
    (
        # For quotas: an owner's recent usage takes one step in this index for each recent job.
        "ALTER TABLE jobs ADD COLUMN cost_usd REAL NOT NULL DEFAULT 0",
        "CREATE INDEX jobs_made ON jobs (owner, created_at, cost_usd)",
    ),
)
"""Statements by version; the first ones make version 1 from an empty database."""
