"""Who really holds an entry: one storage challenge to each node that should.

The client holds the version itself, so that it can compute the proof that each node has to give.
"""

from collections.abc import Iterable
from enum import IntEnum, auto
from hmac import compare_digest
from typing import NamedTuple

from dave.crypto import hashes
from dave.limits import CHALLENGE_NONCE_BYTES, SHORT_DIGEST_BYTES
from dave.names import MS, Address, Instant, Place, place_of
from dave.node.candidate import Candidate, State, Step
from dave.node.core import Core
from dave.node.requests import Answer, Peer
from dave.node.search import Search, region_of
from dave.node.timers import Timer
from dave.peers.density import RING
from dave.wire.entry import Entry
from dave.wire.promises import Challenge, Proof
from dave.wire.status import ProofState


class Verdict(IntEnum):
    """What a challenge to one node came to."""

    PROVED = 0
    """It holds this version."""
    UNPROVED = auto()
    """It says that it holds this version, and does not prove it."""
    NEWER = auto()
    """It says that it holds a newer one."""
    EVICTED = auto()
    """It says that it evicted it."""
    ABSENT = auto()
    """It does not have it."""
    SILENT = auto()
    """No answer."""


class Checked(NamedTuple):
    """One node that should hold the entry."""

    address: Address
    id: Place
    verdict: Verdict
    rtt_ns: int
    """0 without an answer."""


class CheckResult:
    """What a check came to."""

    __slots__ = ("nodes", "trace")

    def __init__(self) -> None:
        self.nodes: list[Checked] = []
        """The region of the entry, nearest first."""
        self.trace: list[Step] = []


class CheckOperation:
    """Looks for the region of an entry and challenges each node of it. Resolves `operation` with a
    CheckResult when all have answered, or at the deadline."""

    def __init__(self, core: Core, operation: int, entry: Entry, deadline: Instant) -> None:
        self._core = core
        self._operation = operation
        self._place = place_of(entry.id)
        self._signed = entry.signed_bytes(core.network)
        self._deadline = deadline
        self._challenged: dict[Place, Peer] = {}
        """Those that have not answered yet."""
        self._is_resolved = False
        self._search = Search(core, self._place, self._located)
        self.result = CheckResult()

    def start(self, now: Instant) -> None:
        """Begin."""
        self._core.timers.set(self._deadline, Timer.DEADLINE, self)
        self._search.start(self._core.peers_near(self._place), now)

    def on_deadline(self, now: Instant) -> None:
        """The time is used up: who has not answered is silent."""
        if self._is_resolved:
            return
        if not self._search.is_over:
            self._search.cancel()
            self._silent(candidate.peer for candidate in self._region())
        else:
            self._silent(self._challenged.values())
        self._resolve()

    def _located(self, _search: Search, now: Instant) -> None:
        region = self._region()
        self._silent(c.peer for c in region if not _may_be_there(c))
        asked = [c.peer for c in region if _may_be_there(c)]
        # All are noted first: a request that fails at once must not look like the last.
        self._challenged = {_id(peer): peer for peer in asked}
        for peer in asked:
            self._ask(peer, now)
        for candidate in region:
            if candidate.state is State.SLOW:  # nobody waits for the dead
                patience = self._core.tuning.give_up_ms * MS
                self._core.timers.set(now + patience, Timer.GIVE_UP, (self, candidate.peer))
        if not asked:
            self._resolve()

    def give_up(self, peer: Peer, now: Instant) -> None:
        """Wait no longer for a node that was slow before it was challenged."""
        self._answered(peer, Verdict.SILENT, 0)

    def _ask(self, peer: Peer, now: Instant) -> None:
        nonce = self._core.rng.randbytes(CHALLENGE_NONCE_BYTES)
        challenge = Challenge(nonce, (hashes.entry_digest(self._signed)[:SHORT_DIGEST_BYTES],))
        self._core.ask(
            peer,
            challenge,
            lambda answer, _: self._answered(peer, self._judge(nonce, answer), answer.rtt),
            now,
        )

    def _answered(self, peer: Peer, verdict: Verdict, rtt: int) -> None:
        if self._is_resolved or self._challenged.pop(_id(peer), None) is None:
            return
        self.result.nodes.append(Checked(peer.address, _id(peer), verdict, rtt))
        if not self._challenged:
            self._resolve()

    def _judge(self, nonce: bytes, answer: Answer) -> Verdict:
        proof, session = answer.reply, answer.session
        if not isinstance(proof, Proof) or session is None:
            return Verdict.SILENT
        state = ProofState(proof.states[0])
        if state is not ProofState.HELD:
            return _VERDICTS[state]
        own_key = self._core.identity.public_key
        wanted = hashes.proof(
            nonce, own_key, session.public_key, session.handshake_hash, [self._signed]
        )
        return Verdict.PROVED if compare_digest(wanted, proof.hash) else Verdict.UNPROVED

    def _region(self) -> list[Candidate]:
        """The nodes that should hold the entry, nearest first. The dead take nobody's place: it is
        the living who should hold it."""
        met = [c for c in self._search.candidates() if c.peer.id is not None]
        replicas = self._core.tuning.replicas
        living = region_of(
            [c for c in met if c.state is not State.SLOW], self._search.expected, replicas
        )
        farthest = living[-1].distance if len(living) >= replicas else RING
        return [c for c in met if c.distance <= farthest]

    def _silent(self, peers: Iterable[Peer]) -> None:
        for peer in peers:
            self.result.nodes.append(Checked(peer.address, _id(peer), Verdict.SILENT, 0))

    def _resolve(self) -> None:
        self._is_resolved = True
        self.result.trace = self._search.trace
        self.result.nodes.sort(key=lambda node: node.id ^ self._place)
        self._core.resolve(self._operation, self.result)


_VERDICTS = {
    ProofState.MISSING: Verdict.ABSENT,
    ProofState.NEWER: Verdict.NEWER,
    ProofState.EVICTED: Verdict.EVICTED,
}


def _may_be_there(candidate: Candidate) -> bool:
    return candidate.state is not State.FAILED and not candidate.is_given_up


def _id(peer: Peer) -> Place:
    assert peer.id is not None
    return peer.id
