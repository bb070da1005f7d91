"""Room in memory for shares that are coming in, from WANTED until the disk has them.

It is given to peers in turn, a share each time, so that nobody waits for a peer with much to offer;
and it follows the bytes that arrive. A peer has little at first and more with each share it sends;
who leaves room unused while others wait gives it up, and gets less the next time. Whoever has sent
nothing yet shares one half of it with all others of whom that is true: so strangers who never mean
to send anything, however many, do not hold up those who do.
"""

from collections import deque

from dave.names import Instant
from dave.node.shares.taker import ShareTaker
from dave.share_limits import SHARES_INCOMING_BYTES_MAX, SHARES_INCOMING_TRIAL_MAX


class ShareRoom:
    """SHARES_INCOMING_BYTES_MAX for all, its allowance for each."""

    def __init__(self) -> None:
        self.used = 0
        self.on_trial = 0
        """Of that: what those have who had sent nothing when they got it."""
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

    def freed(self, size: int, taker: ShareTaker, *, on_trial: bool) -> None:
        """A share is on disk, or will not come. on_trial: as `grant` was told."""
        self.used -= size
        self.on_trial -= size * on_trial
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
        passed = 0
        while passed < len(self._turns):
            taker = self._turns[0]
            if not taker.waiting or not self._is_allowed(taker):
                self._turns.popleft()  # it comes back when it has freed some
                continue
            size = taker.waiting[0].size
            if self.used + size > SHARES_INCOMING_BYTES_MAX:
                break
            self._turns.rotate(-1)
            on_trial = taker.is_on_trial
            if on_trial and self.on_trial + size > SHARES_INCOMING_TRIAL_MAX:
                passed += 1
                continue
            passed = 0
            self.used += size
            self.on_trial += size * on_trial
            taker.grant(self.now, on_trial=on_trial)
        self._is_giving = False

    def _is_allowed(self, taker: ShareTaker) -> bool:
        return not taker.reserved or taker.reserved + taker.waiting[0].size <= taker.allowance
