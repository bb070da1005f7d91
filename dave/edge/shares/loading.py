"""What a node keeps of files, found again at the start, out of three that a crash can set at odds.

What the database names and the tree lacks is not held. What the tree has and the database does not
name is held by the record that it came with, such as after a crash before the commit, or after the
database was lost; or else it is removed, unless the database could not be read this time.
"""

import logging
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from dave.edge.shares.database import Change, ShareDatabase
from dave.edge.shares.files import ShareFiles
from dave.effects import DropShares, SaveRecord
from dave.names import UnixMs
from dave.store.shares import ShareIndex

log = logging.getLogger("dave.shares")


class Loaded(NamedTuple):
    """What came of it."""

    missing: int
    """Shares that should be there and are not."""
    adopted: list[bytes]
    """Shares that the database did not name; nobody knows yet whether they are whole."""


def load_shares(
    index: ShareIndex,
    database: ShareDatabase,
    files: ShareFiles,
    found: Mapping[bytes, int],
    now_ms: UnixMs,
) -> Loaded:
    """Fill the index; `found` are the sizes of the files by address. Raises OSError."""
    for owner, reference in database.releases():
        index.load_release(owner, reference)
    changes: list[Change] = []
    missing = _load_records(index, database, found, now_ms, changes)
    adopted = _adopt(index, database, files, found, now_ms, changes)
    if changes:
        try:
            database.commit(changes)
        except (sqlite3.Error, OSError) as error:
            log.warning("the records of shares cannot be written: %s", error)
    return Loaded(missing, adopted)


def _load_records(
    index: ShareIndex,
    database: ShareDatabase,
    found: Mapping[bytes, int],
    now_ms: UnixMs,
    changes: list[Change],
) -> int:
    missing = 0
    for record, mask, is_saved in database.records():
        held = [i for i in range(record.n) if mask >> i & 1]
        # A file is longer than its share.
        there = [i for i in held if found.get(record.address(i), 0) > record.size(i)]
        if record.expires_ms > now_ms:
            missing += len(held) - len(there)
        mask = sum(1 << i for i in there)
        if not index.load(record, mask):
            if is_saved:
                key = (record.stripe_id, record.owner, record.reference)
                changes.append(DropShares((), [key]))
        elif not is_saved:
            changes.append(SaveRecord(0, record.data, mask))
    return missing


def _adopt(
    index: ShareIndex,
    database: ShareDatabase,
    files: ShareFiles,
    found: Mapping[bytes, int],
    now_ms: UnixMs,
    changes: list[Change],
) -> list[bytes]:
    adopted = []
    for address, file_bytes in found.items():
        if index.holds(address) is not None:
            continue
        try:
            origin = files.origin(address, file_bytes)
        except OSError as error:
            # One bad sector must not keep a node from starting; nor is it known what this is.
            log.warning("a share cannot be read, and is left where it is: %s", error)
            continue
        if origin is not None and index.load(*origin):
            changes.append(SaveRecord(0, origin[0].data, origin[1]))
            adopted.append(address)
        elif not database.is_unread:
            files.remove(address)
    return adopted
