"""How much of something costly one session may have done.

A token bucket for each session, kept as the time at which it will be full again (peers/limiter.py,
which does it for subnets, says how). By session, so that nobody feels what another one spends; a
new session costs a handshake, and those have a budget of their own.
"""

from dave.limits import SESSIONS_MAX
from dave.names import SECOND, Instant
from dave.session.session import Session


class Budget:
    """`per_second` units a second for each session, `burst` (no less than one request takes) at
    once. When more than SESSIONS_MAX are remembered all are forgotten."""

    __slots__ = ("_ahead", "_full", "_step")

    def __init__(self, per_second: int, burst: int) -> None:
        self._step = SECOND // per_second
        self._ahead = burst * self._step
        self._full: dict[int, Instant] = {}

    def take(self, session: Session, units: int, now: Instant) -> bool:
        """Spend so many units; False, and nothing is spent, if the session has not got them."""
        full = max(self._full.get(session.index, 0), now) + units * self._step
        if full - now > self._ahead:
            return False
        if len(self._full) >= SESSIONS_MAX and session.index not in self._full:
            self._full.clear()
        self._full[session.index] = full
        return True

    def __len__(self) -> int:
        """Sessions remembered."""
        return len(self._full)
