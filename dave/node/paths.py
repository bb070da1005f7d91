"""How many disjoint paths a lookup takes, and where they aim at (DESIGN section 7).

Calm networks are looked through by one path. A share of the lookups is checked by a wide one, and
so is each whose outcome is suspicious: a crowd or a gap where the density of nodes says otherwise.
Where a wide lookup finds nearer nodes than the one path did, somebody is lying: the next ones are
all wide.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dave.limits import (
    DENSITY_OBSERVATIONS,
    LOOKUP_PATHS_CLIENT,
    LOOKUP_PATHS_WIDE,
    LOOKUP_WIDE_SHARE,
    LOOKUP_WIDE_STAY,
    REPLICAS,
)
from dave.names import Place, Rng
from dave.node.candidate import Candidate, State
from dave.node.requests import Peer
from dave.peers.region import is_sparse

if TYPE_CHECKING:
    from dave.node.core import Core


class Paths:
    """What a core remembers from one lookup to the next."""

    __slots__ = ("_observed", "_replicas", "_stay", "is_exploring", "is_measuring")

    def __init__(self, replicas: int = REPLICAS) -> None:
        self._replicas = replicas
        self._stay = 0
        self.is_exploring = False
        """A search is getting to know all nodes of a small network; one is enough."""
        self.is_measuring = False
        """A client has begun to ask how dense the network is; once is enough."""
        self._observed: dict[Place, None] = {}

    def first(self, is_thorough: bool, is_client_put: bool) -> int:
        """With how many paths a lookup begins."""
        if is_thorough or self._stay:
            self._stay = max(0, self._stay - 1)
            return LOOKUP_PATHS_WIDE
        return LOOKUP_PATHS_CLIENT if is_client_put else 1

    def wants_check(self, found: Sequence[Candidate], expected: int | None, rng: Rng) -> bool:
        """Whether a lookup that answered with these, nearest first, needs a wide one beside it."""
        return rng.random() < LOOKUP_WIDE_SHARE or is_sparse(
            _distances(found), expected, self._replicas
        )

    def compare(self, narrow: Sequence[Candidate], wide: Sequence[Candidate]) -> bool:
        """Both have looked for the same; returns whether the wide lookup found a nearer node that
        the other was not told of. If so, the next LOOKUP_WIDE_STAY are wide."""
        told = frozenset(candidate.peer.id for candidate in narrow)
        answered = [candidate for candidate in wide if candidate.state is State.ANSWERED]
        is_misled = any(candidate.peer.id not in told for candidate in answered[: self._replicas])
        if is_misled:
            self._stay = LOOKUP_WIDE_STAY
        return is_misled

    def is_new(self, place: Place) -> bool:
        """Whether a lookup of that place says anything new of the density of nodes: who crowds one
        key must not be heard each time that key is looked for."""
        if place in self._observed:
            return False
        self._observed[place] = None
        if len(self._observed) > DENSITY_OBSERVATIONS:
            del self._observed[next(iter(self._observed))]
        return True


def detours(place: Place, paths: int, reach: int | None, rng: Rng) -> list[Place]:
    """Where all paths but the first aim at: a random place in each of the subtrees around the key,
    from the one that holds distance `reach` inward. FIND brings the nodes nearest to its own
    target, and who crowds the key is in none of those subtrees, so that no such answer is full of
    the crowd. Without `reach` (no estimate of the density) all aim at the key itself.
    """
    if reach is None:
        return [place] * (paths - 1)
    top = max(reach.bit_length(), paths) - 1
    return [place ^ (1 << bit | rng.getrandbits(bit)) for bit in range(top, top - paths + 1, -1)]


def guides(core: "Core", count: int) -> list[Peer]:
    """Whom the further paths ask first, one for each: a client its edges, which it trusts to be in
    the network at all; a node any of its contacts."""
    if core.identity.id is None:
        sessions = [core.sessions.find(edge.address) for edge in core.edges]
        edges = [
            Peer(session.address, session.public_key, session.nonce, session.node_id)
            for session in sessions
            if session is not None
        ]
        if edges:
            return [edges[i % len(edges)] for i in range(count)]
    contacts = list(core.table)
    chosen: list[Peer] = []
    while contacts and len(chosen) < count:
        contact = contacts.pop(core.rng.randrange(len(contacts)))
        chosen.append(Peer(contact.address, contact.public_key, contact.nonce, contact.id))
    return chosen


def _distances(found: Sequence[Candidate]) -> list[int]:
    return [c.distance for c in found if c.state is State.ANSWERED]
