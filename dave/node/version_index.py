"""Which entry a short digest names: ANNOUNCE and CHALLENGE name versions by it, a store finds
entries by id.

What is held and committed is here, and for a while what was held before: so a node knows an
announced version as older than its own, and can say of one that it is challenged on that it was
replaced or evicted. A version costs about 110 bytes beside the entry's id, which it shares with the
store: part of the 600 bytes that an entry counts.
"""

from dave.limits import VERSIONS_PAST_MAX
from dave.names import EntryId
from dave.store.shard import Gone


class VersionIndex:
    """Versions held, bounded by the store; and the last VERSIONS_PAST_MAX that left it."""

    __slots__ = ("_held", "_past")

    def __init__(self) -> None:
        self._held: dict[bytes, EntryId] = {}
        self._past: dict[bytes, tuple[EntryId, Gone]] = {}

    def add(self, short_digest: bytes, entry_id: EntryId) -> None:
        """This version of the entry is held, and on disk."""
        self._held[short_digest] = entry_id
        if self._past:
            self._past.pop(short_digest, None)

    def replaced(self, short_digest: bytes, entry_id: EntryId) -> None:
        """A newer version has taken its place."""
        self._leave(short_digest, entry_id, Gone.REPLACED)

    def evicted(self, short_digest: bytes, entry_id: EntryId) -> None:
        """It had to make room, and those who rely on us are being told."""
        self._leave(short_digest, entry_id, Gone.EVICTED)

    def expired(self, short_digest: bytes) -> None:
        """Its time is over: nobody asks for it again."""
        self._held.pop(short_digest, None)

    def holds(self, short_digest: bytes, entry_id: EntryId) -> bool:
        """Whether that version of that entry is held."""
        return self._held.get(short_digest) == entry_id

    def is_past(self, short_digest: bytes) -> bool:
        """Whether the version was held before and is not any more."""
        return short_digest in self._past

    def is_held(self, short_digest: bytes) -> bool:
        """Whether the version is held."""
        return short_digest in self._held

    def knows(self, short_digest: bytes) -> bool:
        """Whether the version is held or was."""
        return short_digest in self._held or short_digest in self._past

    def find(self, short_digest: bytes) -> tuple[EntryId | None, Gone | None]:
        """The entry of which that is or was a version here, and why the version is held no more:
        REPLACED, or EVICTED and announced as such."""
        entry_id = self._held.get(short_digest)
        if entry_id is not None:
            return entry_id, None
        return self._past.get(short_digest, (None, None))

    def __len__(self) -> int:
        """Versions held."""
        return len(self._held)

    def _leave(self, short_digest: bytes, entry_id: EntryId, why: Gone) -> None:
        self._held.pop(short_digest, None)
        # At the end of the dict: who left longest ago is at its beginning.
        self._past.pop(short_digest, None)
        self._past[short_digest] = entry_id, why
        if len(self._past) > VERSIONS_PAST_MAX:
            del self._past[next(iter(self._past))]
