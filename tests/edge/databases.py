"""Rows for tests of the database, and ways to ruin its files."""

import os

from dave.crypto import hashes

FILES = ("", "-wal", "-shm", "-journal")
NODE, JOURNAL = bytes(32), bytes(16)


def contact_row(number):
    """A row of `contacts`."""
    return (number.to_bytes(8, "big"), bytes(32), bytes(8), "127.0.0.1", 1424, 1_000, number)


def renewal_row(number, note=""):
    """A row of `renewals`; the note is what differs between versions of it."""
    owner, key = bytes(32), b"key %d" % number
    entry_id = hashes.entry_id_of(owner, key)
    return (entry_id, owner, key, bytes(32), 1 << 57, 3600, 0, 0, "kept", note)


def files_of(path):
    """{suffix: bytes} of a database's files."""
    paths = {suffix: f"{path}{suffix}" for suffix in FILES}
    found = {}
    for suffix, name in paths.items():
        if os.path.isfile(name):
            with open(name, "rb") as file:
                found[suffix] = file.read()
    return found


def lay_out(path, files):
    """Make those files, and no others."""
    for suffix in FILES:
        name = f"{path}{suffix}"
        if os.path.lexists(name):
            os.unlink(name)
        if suffix in files:
            with open(name, "wb") as file:
                file.write(files[suffix])


def set_aside_in(folder):
    """The main files of the databases that were set aside in a folder."""
    return sorted(
        p for p in folder.iterdir() if "set-aside" in p.name and not p.name.endswith(FILES[1:])
    )
