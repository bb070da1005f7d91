"""The tables of a node's database, as the steps that lead to them. A database says by its
`user_version` how many it has taken; a step, once released, never changes.

Ids, and numbers of 64 bits that come from others, are big-endian blobs, since SQLite's integers are
signed. Times are Unix seconds or milliseconds, since a process's own clock ends with it.
"""

from typing import NamedTuple

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE contacts (
        id BLOB PRIMARY KEY CHECK (length(id) = 8),
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        nonce BLOB NOT NULL CHECK (length(nonce) = 8),
        host TEXT NOT NULL,
        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
        known_since INTEGER NOT NULL,
        seen_hour INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE trust (
        id BLOB PRIMARY KEY CHECK (length(id) = 8),
        kept REAL NOT NULL CHECK (kept >= 0),
        broken REAL NOT NULL CHECK (broken >= 0),
        since INTEGER NOT NULL,
        noted INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE promisers (
        id BLOB PRIMARY KEY CHECK (length(id) = 8)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE promises (
        entry_id BLOB PRIMARY KEY CHECK (length(entry_id) = 32),
        time BLOB NOT NULL CHECK (length(time) = 8),
        peers BLOB NOT NULL CHECK (length(peers) % 8 = 0)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE own (
        journal BLOB PRIMARY KEY CHECK (length(journal) = 16)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE clocks (
        node BLOB NOT NULL CHECK (length(node) = 32),
        journal BLOB NOT NULL CHECK (length(journal) = 16),
        sequence BLOB NOT NULL CHECK (length(sequence) = 8),
        PRIMARY KEY (node, journal)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE syncs (
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        journal BLOB NOT NULL CHECK (length(journal) = 16),
        after BLOB NOT NULL CHECK (length(after) = 8),
        until BLOB NOT NULL CHECK (length(until) = 8),
        nonce BLOB NOT NULL CHECK (length(nonce) = 8),
        host TEXT NOT NULL,
        port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
        PRIMARY KEY (public_key, journal, after, until)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE renewals (
        entry_id BLOB PRIMARY KEY CHECK (length(entry_id) = 32),
        owner BLOB NOT NULL CHECK (length(owner) = 32),
        key BLOB NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
        content BLOB NOT NULL CHECK (length(content) = 32),
        time INTEGER NOT NULL,
        ttl INTEGER NOT NULL,
        due_ms INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        standing TEXT NOT NULL,
        note TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
)


class Table(NamedTuple):
    """What the code knows of a table: in this order rows are read and written."""

    name: str
    columns: tuple[str, ...]
    keys: int
    """So many of the first columns are the primary key."""


TABLES = {
    table.name: table
    for table in (
        Table("contacts",
              ("id", "public_key", "nonce", "host", "port", "known_since", "seen_hour"), 1),
        Table("trust", ("id", "kept", "broken", "since", "noted"), 1),
        Table("promisers", ("id",), 1),
        Table("promises", ("entry_id", "time", "peers"), 1),
        Table("own", ("journal",), 1),
        Table("clocks", ("node", "journal", "sequence"), 2),
        Table("syncs", ("public_key", "journal", "after", "until", "nonce", "host", "port"), 4),
        Table("renewals",
              ("entry_id", "owner", "key", "content", "time", "ttl", "due_ms", "tries",
               "standing", "note"), 1),
    )
}  # fmt: skip
