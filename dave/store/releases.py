"""Which uploads were released: their records are taken no more, whoever brings them.

A release costs its maker nothing. So those of uploads of which nothing was here have a table of
their own, in memory alone: a flood of them pushes out none that counts, and costs no disk.
"""

from dave.share_limits import RELEASES_MAX, RELEASES_UNSEEN_MAX


class Releases:
    """By owner and reference, joined; the oldest go where there are too many."""

    __slots__ = ("_seen", "_unseen")

    def __init__(self) -> None:
        self._seen: dict[bytes, None] = {}
        self._unseen: dict[bytes, None] = {}

    def __contains__(self, upload: bytes) -> bool:
        return upload in self._seen or upload in self._unseen

    def add(self, upload: bytes, *, was_here: bool = True) -> None:
        """Remember an upload. `was_here`: there were records of it, which were paid for."""
        if was_here or upload in self._seen:
            _put_last(self._seen, upload, RELEASES_MAX)
        else:
            _put_last(self._unseen, upload, RELEASES_UNSEEN_MAX)

    def is_lasting(self, upload: bytes) -> bool:
        """Whether it is to be remembered on the disk."""
        return upload in self._seen


def _put_last(table: dict[bytes, None], upload: bytes, most: int) -> None:
    table.pop(upload, None)
    table[upload] = None
    if len(table) > most:
        del table[next(iter(table))]
