"""What time it is for others: their wall clocks, as their PONGs tell them.

A clock that runs ahead makes all that is stored look expired. So before a node lets go of that it
asks what the others say: the middle one of them, which a few liars cannot move. A lie can only make
it keep something for longer.
"""

from dave.limits import CLOCK_AHEAD_MS_MAX, PEER_CLOCKS_MAX
from dave.names import MS, Instant, Place, UnixMs


class PeerClocks:
    """Of the peers heard last, at most PEER_CLOCKS_MAX."""

    __slots__ = ("_offsets",)

    def __init__(self) -> None:
        self._offsets: dict[Place, int] = {}
        """Unix milliseconds minus our own steady clock's: stepping the wall clock changes none."""

    def heard(self, node_id: Place, unix_ms: UnixMs, now: Instant) -> None:
        """A peer has told its time, give or take how long that was on its way."""
        self._offsets.pop(node_id, None)
        self._offsets[node_id] = unix_ms - now // MS
        if len(self._offsets) > PEER_CLOCKS_MAX:
            del self._offsets[next(iter(self._offsets))]

    def unix_ms(self, now: Instant) -> UnixMs | None:
        """Their time: the middle of what they say, of two the earlier. None: nobody has said."""
        if not self._offsets:
            return None
        offsets = sorted(self._offsets.values())
        return offsets[(len(offsets) - 1) // 2] + now // MS

    def is_ahead(self, unix_ms: UnixMs, now: Instant) -> bool:
        """Whether a clock is so far ahead of theirs that it cannot be right."""
        theirs = self.unix_ms(now)
        return theirs is not None and unix_ms - theirs > CLOCK_AHEAD_MS_MAX
