"""What the rest of Dave sees of a session, and what the session layer reports about it.

A session is made by a handshake, belongs to one address, and lives in table.py. The initiator's is
good at once; the responder's is provisional until the first DATA opens under it, since only that
proves that the INIT was no replay and its sender's address no lie.
"""

from enum import IntEnum, auto
from typing import NamedTuple

from dave.names import Address, Instant, Place
from dave.session.cipher import Keys
from dave.session.noise import Responder
from dave.session.replay import NONE_SEEN

NEVER: Instant = 1 << 63
"""Later than any instant."""


class Session(Keys):
    """One side of a session. Fields are for reading; only the session layer writes them."""

    __slots__ = (
        "address",
        "confirms",
        "ends",
        "established",
        "handshake",
        "handshake_hash",
        "highest",
        "index",
        "is_current",
        "is_initiator",
        "is_open",
        "is_provisional",
        "last_received",
        "missing",
        "node_id",
        "nonce",
        "nudged",
        "previous",
        "public_key",
        "rekey_at",
        "remote_index",
        "reply_room",
        "sent",
        "wants_accept",
    )

    index: int
    """Ours: what the peer writes into its DATA."""
    remote_index: int
    """The peer's: what we write into ours."""
    public_key: bytes
    """The peer's X25519 key, proved; 32 bytes."""
    nonce: bytes
    """The peer's node stamp nonce; zeros of a client."""
    node_id: Place | None
    """The peer's id, backed by its stamp; None for a client."""
    handshake_hash: bytes
    """32 bytes that only this session's two ends share; for storage challenges. Empty until the
    ACCEPT is sealed."""
    is_provisional: bool
    """The responder's session before the first DATA: it may answer its INIT, once."""
    wants_accept: bool
    """The INIT is not answered yet: call `seal` once, with the reply or with nothing."""
    reply_room: int
    """While wants_accept: the largest reply in bytes that the INIT paid for."""
    is_open: bool
    """DATA can be sealed: not provisional, not ended."""
    is_current: bool
    """The session that `find` gives for its address."""
    sent: int
    """Packets sealed; the next counter."""
    highest: int
    missing: int
    """Replay window (replay.py)."""
    ends: Instant
    """When a superseded session lapses; NEVER for the current one."""
    rekey_at: Instant
    """When sealing starts a new handshake; NEVER unless we initiated it and it is current."""
    previous: "Session | None"
    """The one this superseded, while both are good."""
    confirms: int
    """Empty DATA sent to confirm it."""
    nudged: Instant
    """When we last told the peer to use the current session instead."""

    def __init__(
        self,
        address: Address,
        indexes: tuple[int, int],
        public_key: bytes,
        node: tuple[Place | None, bytes],
        is_initiator: bool,
        now: Instant,
    ) -> None:
        super().__init__(b"", b"")
        self.address = address
        self.index, self.remote_index = indexes
        self.public_key = public_key
        self.node_id, self.nonce = node
        self.is_initiator = is_initiator
        self.established = self.last_received = now
        self.handshake: Responder | None = None
        self.handshake_hash = b""
        self.is_provisional = self.wants_accept = not is_initiator
        self.is_open = self.is_current = False
        self.reply_room = self.sent = self.missing = self.confirms = 0
        self.highest = NONE_SEEN
        self.ends = self.rekey_at = NEVER
        self.nudged = -NEVER
        self.previous = None

    def take_keys(self, split: tuple[bytes, bytes, bytes]) -> None:
        """Take the outcome of the handshake: send key, receive key, handshake hash."""
        self.send_key, self.receive_key, self.handshake_hash = split


class FailReason(IntEnum):
    """Why a handshake that we started has ended without a session."""

    NO_ANSWER = 0
    """Nothing that fits, after all attempts."""
    OTHER_NETWORK = auto()
    """It answered, from another network or with another secret."""
    OTHER_KEY = auto()
    """It answered with another key than the caller asked for."""
    NODE_WORK = auto()
    """Its id is not backed by enough work."""
    FULL = auto()
    """Too many handshakes are under way; try again later."""


class Established(NamedTuple):
    """A session is good, and `find` gives it. Said on both sides, of each rekey as well."""

    session: Session


class Failed(NamedTuple):
    """A handshake asked for by `connect` has ended without a session."""

    address: Address
    reason: FailReason
    public_key: bytes | None
    """The key that was asked for; None where any would have done."""


Event = Established | Failed


class Outgoing:
    """What the session layer hands to its owner. Whoever reads a list may clear or replace it, so
    the parts keep this object and never the lists."""

    __slots__ = ("events", "outbox")

    def __init__(self) -> None:
        self.outbox: list[tuple[bytes, Address]] = []
        self.events: list[Event] = []
