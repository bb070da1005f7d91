"""All sessions, by index and by address, and when each of them goes.

An address has one current session. A new one supersedes it, and both stay good for an overlap; the
one before those ends at once, so that nobody fills the table from one address. If
both sides opened at once, each could prefer the other one's for ever; so of two sessions crossed
like this the side with the larger public key keeps its newest, and the other side follows what it
hears (`make_current`, and the nudge in sessions.py).
"""

from dave.limits import (
    SESSION_IDLE_SECONDS,
    SESSION_OVERLAP_SECONDS,
    SESSION_PROVISIONAL_MAX,
    SESSION_PROVISIONAL_SECONDS,
    SESSION_SECONDS,
    SESSIONS_MAX,
)
from dave.names import SECOND, Address, Instant, Rng
from dave.session.cipher import CipherCache
from dave.session.session import NEVER, Session

_IDLE = SESSION_IDLE_SECONDS * SECOND
_PROVISIONAL = SESSION_PROVISIONAL_SECONDS * SECOND


class SessionTable:
    """Sessions, bounded: SESSIONS_MAX good ones and SESSION_PROVISIONAL_MAX provisional ones."""

    __slots__ = ("_rng", "by_address", "by_index", "ciphers", "provisional", "reserved", "sweep_at")

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self.ciphers = CipherCache()
        self.by_index: dict[int, Session] = {}
        """All sessions, provisional and superseded ones too."""
        self.by_address: dict[Address, Session] = {}
        """The current one of each address."""
        self.provisional: dict[int, Session] = {}
        """In the order in which they came."""
        self.reserved: set[int] = set()
        """Indexes of handshakes under way."""
        self.sweep_at: Instant = NEVER

    def draw_index(self) -> int:
        """A session index that is not in use; random, so that nobody off the path can name one."""
        while True:
            index = self._rng.getrandbits(32)
            if index not in self.by_index and index not in self.reserved:
                return index

    def add_provisional(self, session: Session) -> bool:
        """Take in a responder's session. When there are too many, the oldest provisional one makes
        room, never a good one; tells whether one had to."""
        is_full = len(self.provisional) >= SESSION_PROVISIONAL_MAX
        if is_full:
            self.close(next(iter(self.provisional.values())))
        self.by_index[session.index] = self.provisional[session.index] = session
        return is_full

    def establish(self, session: Session, now: Instant) -> None:
        """Make a session good, and the current one of its address. When there are too many, a
        superseded one makes room; where there is none, the one not heard for longest."""
        self.provisional.pop(session.index, None)
        session.is_provisional = False
        session.established = session.last_received = now
        session.is_open = True
        self.by_index[session.index] = session
        self.make_current(session, now)
        if len(self.by_index) - len(self.provisional) > SESSIONS_MAX:
            self.close(min(self._good(but=session), key=_worth))
        self.sweep_at = min(self.sweep_at, now + _IDLE)

    def make_current(self, session: Session, now: Instant) -> None:
        """Prefer `session` for its address; what was current stays good for the overlap, what that
        one superseded does not."""
        old = self.by_address.get(session.address)
        if old is not None and old is not session:
            older = old.previous
            if older is not None and older is not session and older.is_open:
                self.close(older)
            old.is_current = False
            old.rekey_at = NEVER
            old.previous = None
            old.ends = now + SESSION_OVERLAP_SECONDS * SECOND
            self.sweep_at = min(self.sweep_at, old.ends)
            session.previous = old
        self.by_address[session.address] = session
        session.is_current = True
        session.ends = NEVER
        if session.is_initiator:
            session.rekey_at = session.established + SESSION_SECONDS * SECOND

    def close(self, session: Session) -> None:
        """End a session at once. If it was current, the one before comes back where it is still
        good."""
        del self.by_index[session.index]
        self.provisional.pop(session.index, None)
        self.ciphers.discard(session)
        session.is_open = session.is_provisional = session.wants_accept = False
        session.handshake = None
        if session.is_current:
            session.is_current = False
            del self.by_address[session.address]
            previous = session.previous
            if previous is not None and previous.is_open:
                self.make_current(previous, session.established)
        session.previous = None

    def forget(self, address: Address) -> None:
        """End all sessions of an address."""
        for session in [s for s in self.by_index.values() if s.address == address]:
            session.previous = None
            self.close(session)

    def sweep(self, now: Instant) -> None:
        """End what has lapsed: provisional sessions after 10 s, superseded ones after the overlap,
        silent ones when idle."""
        while self.provisional:
            oldest = next(iter(self.provisional.values()))
            if now < oldest.established + _PROVISIONAL:
                break
            self.close(oldest)
        if now < self.sweep_at:
            return
        for session in self._good():
            if now >= min(session.ends, session.last_received + _IDLE) and session.is_open:
                self.close(session)
        due = min((min(s.ends, s.last_received + _IDLE) for s in self._good()), default=NEVER)
        # Deadlines move with traffic; at most one pass over the table a second.
        self.sweep_at = max(due, now + SECOND)

    def get_timer(self) -> Instant:
        """When `sweep` has something to do; NEVER if nothing is held."""
        due = self.sweep_at if self.by_address else NEVER
        if self.provisional:
            oldest = next(iter(self.provisional.values()))
            return min(due, oldest.established + _PROVISIONAL)
        return due

    def _good(self, but: Session | None = None) -> list[Session]:
        return [s for s in self.by_index.values() if not s.is_provisional and s is not but]


def _worth(session: Session) -> tuple[bool, Instant]:
    return session.is_current, session.last_received
