"""Why an incoming datagram or message was dropped: a name for each reason, and a count of each.

A peer's mistake is never an exception and never a log line per packet: it is one of these, added
to a counter that `dave status` shows.
"""

from enum import IntEnum, auto


class Drop(IntEnum):
    """Named reasons, in the order in which the checks run (cheapest first)."""

    SIZE = 0
    """Datagram shorter than its header, longer than 1424 bytes, or not of its type's size."""
    VERSION = auto()
    """Another protocol version."""
    TYPE = auto()
    """Unknown packet type."""
    RATE = auto()
    """The sender's subnet or session is over its packet budget."""
    NO_SESSION = auto()
    """DATA for a session index we do not have, or from another address than the session's."""
    REPLAY = auto()
    """A counter seen before, or older than the window."""
    COOKIE = auto()
    """COOKIE that answers nothing we sent, or from another network."""
    HANDSHAKE = auto()
    """INIT or ACCEPT that does not open, or ACCEPT for nothing we sent."""
    EPHEMERAL = auto()
    """INIT whose ephemeral key was seen before."""
    NODE_WORK = auto()
    """A node whose id is not backed by enough work."""
    BAD_CONTACT = auto()
    """A contact whose address can be nobody's, or means nothing here."""
    FULL = auto()
    """A bounded table had no room."""
    AEAD = auto()
    """DATA that does not open under its session's key."""
    WIRE = auto()
    """Plaintext that is no valid message."""
    UNKNOWN_MESSAGE = auto()
    """A message type that this version does not know."""
    NOT_IN_INIT = auto()
    """A message that an INIT may not carry."""
    FORGER = auto()
    """A session that brought forged signatures, ended."""
    CHALLENGES = auto()
    """A CHALLENGE from a session that asked for more proofs than its share."""
    ANNOUNCES = auto()
    """An ANNOUNCE with more versions that are new here than its session has budget for."""
    NOT_A_NODE = auto()
    """A client sent what only a node may."""
    SYNC = auto()
    """A sync that brought what it should not: its peer is not pulled from again for now."""
    NO_REQUEST = auto()
    """A reply to nothing we asked, or no longer waited for."""
    BULK_HANDSHAKE = auto()
    """A connection of the bulk channel that did not open: no INIT of this network, or too late."""
    BULK_FRAME = auto()
    """A connection that sent what no peer may: a frame that does not open, more than its window."""
    BULK_FULL = auto()
    """A connection or stream beyond a limit."""
    WATCHES = auto()
    """A WATCH beyond a bound: refused, so that its sender polls."""
    WATCHER = auto()
    """Watches of a session that acknowledges nothing, ended."""
    FORGED_VERSION = auto()
    """A node told a watcher of what is no version of the entry, and is not listened to any more."""
    SHARE_OFFERS = auto()
    """Who offers shares did what no peer may, or sent one that is not what it named: hung up on."""
    SHARE_VERDICTS = auto()
    """A node that was offered shares answered what cannot be: its connection was ended."""
    SHARE_CORRUPT = auto()
    """A node sent a share that is not what was asked for: its trust falls."""
    SHARE_AUDIT = auto()
    """An audit of shares, or an answer to one, that is malformed or beyond its sender's budget."""


class Drops:
    """A counter per reason; fixed size."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = [0] * len(Drop)

    def add(self, reason: Drop) -> None:
        """Count one drop."""
        self.counts[reason] += 1

    def by_name(self) -> dict[str, int]:
        """Counts above zero, keyed by the reason's lower-case name."""
        return {reason.name.lower(): n for reason in Drop if (n := self.counts[reason])}
