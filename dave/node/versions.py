"""Which entry a short digest names: the versions that this node has stored, latest last.

A CHALLENGE names versions by 16 bytes of their digest, a store finds entries by id.
"""

from dave.limits import SHORT_DIGEST_BYTES, VERSIONS_MAX
from dave.names import EntryId


class Versions:
    """The last VERSIONS_MAX versions."""

    __slots__ = ("_ids",)

    def __init__(self) -> None:
        self._ids: dict[bytes, EntryId] = {}

    def note(self, digest: bytes, entry_id: EntryId) -> None:
        """This version of the entry is stored."""
        short = digest[:SHORT_DIGEST_BYTES]
        self._ids.pop(short, None)
        self._ids[short] = entry_id
        if len(self._ids) > VERSIONS_MAX:
            del self._ids[next(iter(self._ids))]

    def find(self, short_digest: bytes) -> tuple[EntryId | None, bool]:
        """The entry of which that is a version, and whether its eviction was announced, which this
        does not know."""
        return self._ids.get(short_digest), False

    def __len__(self) -> int:
        return len(self._ids)
