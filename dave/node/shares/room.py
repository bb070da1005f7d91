"""Room in memory for shares that are coming in, from WANTED until the disk has them.

It is given to peers in turn, a share each time, so that nobody waits for a peer with much to offer;
and who was given room and leaves it unused gives it up once others wait.
"""

from collections import deque

from dave.names import Instant
from dave.node.shares.taker import ShareTaker
from dave.share_limits import SHARES_INCOMING_BYTES_MAX, SHARES_INCOMING_PER_PEER_MAX


class ShareRoom:
    """SHARES_INCOMING_BYTES_MAX for all, SHARES_INCOMING_PER_PEER_MAX for each."""

    def __init__(self) -> None:
        self.used = 0
        self._turns: deque[ShareTaker] = deque()
        """Who waits for room, each once."""
        self._is_giving = False
        self.now: Instant = 0
        """The time, as far as it was told."""

    @property
    def is_short(self) -> bool:
        """Whether somebody waits because of others."""
        return bool(self._turns)

    def wanted(self, taker: ShareTaker, now: Instant) -> None:
        """A share of this peer is wanted."""
        self.now = now
        if taker not in self._turns:
            self._turns.append(taker)
        self._give()

    def freed(self, size: int, taker: ShareTaker) -> None:
        """A share is on disk, or will not come."""
        self.used -= size
        if taker.waiting and not taker.is_over and taker not in self._turns:
            self._turns.append(taker)
        self._give()

    def left(self, taker: ShareTaker) -> None:
        """This peer waits no more."""
        if taker in self._turns:
            self._turns.remove(taker)

    def _give(self) -> None:
        if self._is_giving:
            return
        self._is_giving = True
        while self._turns:
            taker = self._turns[0]
            if not taker.waiting or not self._is_allowed(taker):
                self._turns.popleft()  # it comes back when it has freed some
                continue
            size = taker.waiting[0].size
            if self.used + size > SHARES_INCOMING_BYTES_MAX:
                break
            self._turns.rotate(-1)
            self.used += size
            taker.grant(self.now)
        self._is_giving = False

    def _is_allowed(self, taker: ShareTaker) -> bool:
        most = SHARES_INCOMING_PER_PEER_MAX
        return not taker.reserved or taker.reserved + taker.waiting[0].size <= most
