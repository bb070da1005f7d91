"""A node on the way of a lookup, and the trace of what was asked, which `--explain` prints."""

from collections.abc import Iterable
from enum import IntEnum, auto
from typing import NamedTuple

from dave.names import Address, Instant, Place
from dave.node.requests import Answer, Peer
from dave.peers.trust import Trust
from dave.session.session import FailReason
from dave.wire.messages import FindAck, GetAck, PutAck


class State(IntEnum):
    """How far a candidate is."""

    NEW = 0
    ASKED = auto()
    SLOW = auto()
    ANSWERED = auto()
    FAILED = auto()


class Step(NamedTuple):
    """One line of the trace: somebody was asked, and this came of it."""

    address: Address
    id: Place | None
    outcome: str
    rtt_ns: int
    """0 where nothing came back."""
    hop: int
    """0: known before; else one more than whoever told of it."""
    path: int = 0
    """Which of the disjoint paths of a wide lookup."""
    trust: float | None = None
    """The asker's own score of it, 0 to 1; None without evidence."""


class Candidate:
    """A node that could be asked, by one path of the lookup."""

    __slots__ = ("distance", "failure", "hop", "is_given_up", "number", "path", "peer", "state")

    def __init__(self, peer: Peer, distance: int, hop: int, number: int, path: int = 0) -> None:
        self.peer = peer
        self.distance = distance
        self.hop = hop
        self.number = number
        self.path = path
        self.state = State.NEW
        self.failure: FailReason | None = None
        """Why it is FAILED, if it did not answer."""
        self.is_given_up = False
        """Slow for so long that the lookup ends without it."""

    def step(self, outcome: str, rtt: int = 0, trust: float | None = None) -> Step:
        """What came of asking it."""
        peer = self.peer
        return Step(peer.address, peer.id, outcome, rtt, self.hop, self.path, trust)


def merge(several: Iterable[Iterable[Candidate]]) -> list[Candidate]:
    """The candidates of several lookups, one for each node, nearest first. Of a node that was met
    more than once the last address tried counts, and one that answered always does."""
    found: dict[object, Candidate] = {}
    for candidates in several:
        for candidate in candidates:
            peer = candidate.peer
            who = peer.address if peer.id is None else peer.id
            known = found.get(who)
            if known is None or known.state is not State.ANSWERED:
                found[who] = candidate
    return sorted(found.values(), key=lambda candidate: candidate.distance)


def score_of(trust: Trust, peer_id: Place | None, now: Instant) -> float | None:
    """What we think of a peer, 0 to 1; None without evidence."""
    if peer_id is None or trust.evidence(peer_id) is None:
        return None
    return trust.score(peer_id, now)


def outcome_of(answer: Answer) -> str:
    """An answer in a word or two."""
    reply = answer.reply
    if answer.failure is not None:
        return answer.failure.name.lower()
    if isinstance(reply, GetAck):
        return "found" if reply.entry is not None else f"absent, {len(reply.contacts)} contacts"
    if isinstance(reply, PutAck):
        return reply.status.name.lower()
    if isinstance(reply, FindAck):
        return f"{len(reply.contacts)} contacts"
    return type(reply).__name__.lower()
