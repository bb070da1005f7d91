"""How a put and a get stand: what operations fill in, and what the edge turns into receipts and
values."""

from enum import IntEnum, auto
from typing import NamedTuple

from dave.crypto import sign
from dave.crypto.network import Network
from dave.limits import REPLICAS
from dave.names import Address, Place
from dave.node.candidate import Step
from dave.session.session import FailReason
from dave.wire.entry import Entry
from dave.wire.messages import PutAck
from dave.wire.status import STORED_STATUSES


def is_genuine(entry: Entry, network: Network) -> bool:
    """Whether its owner signed it, for this network."""
    return sign.verify(entry.owner, entry.signature + entry.signed_bytes(network))


HERE: Address = ("", 0)
"""In place of an address: this very node."""


class Outcome(NamedTuple):
    """What one node said to a put, or why it said nothing."""

    address: Address
    """HERE: the node that put it, which is in the region itself."""
    id: Place | None
    ack: PutAck | None
    failure: FailReason | None
    rtt_ns: int

    @property
    def stored(self) -> bool:
        """Whether the node has committed the entry."""
        return self.ack is not None and self.ack.status in STORED_STATUSES


class PutResult:
    """How a put stands. It goes on filling after the quorum, until it is settled."""

    __slots__ = ("is_settled", "known", "outcomes", "replicas", "trace")

    def __init__(self, replicas: int = REPLICAS) -> None:
        self.replicas = replicas
        """R: how many should hold it, where there are as many."""
        self.outcomes: list[Outcome] = []
        self.known = 0
        """Nodes known that could hold the entry."""
        self.is_settled = False
        self.trace: list[Step] = []

    @property
    def stored(self) -> int:
        """How many nodes hold it."""
        return sum(outcome.stored for outcome in self.outcomes)

    @property
    def quorum(self) -> int:
        """How many must hold it: more than half of those that should."""
        return min(self.replicas, max(self.known, 1)) // 2 + 1

    @property
    def has_quorum(self) -> bool:
        """Whether enough hold it."""
        return self.stored >= self.quorum


class Found(IntEnum):
    """How a get ended."""

    FOUND = 0
    ABSENT = auto()
    """Most of the nodes that should hold it answered; none has it, or it was deleted."""
    UNREACHABLE = auto()
    """Too few answered to say."""


class GetResult:
    """What a get found."""

    __slots__ = ("answered", "asked", "entry", "failures", "found", "replicas", "trace")

    def __init__(self) -> None:
        self.found = Found.UNREACHABLE
        self.entry: Entry | None = None
        """The newest version seen, a tombstone included; verified."""
        self.replicas = 0
        """How many nodes returned that version."""
        self.asked = 0
        self.answered = 0
        self.failures: list[tuple[Address, FailReason]] = []
        self.trace: list[Step] = []
