"""How far a peer's promises can be relied on, counted in those it kept and broke.

An audit that finds an entry where it was promised is a kept promise, one that does not is a broken
one. Old evidence fades, so that nobody banks immunity; the score is what the evidence proves at
least (Wilson 1927: the lower bound of the 95 % interval), so that a newcomer starts at 0 and has to
earn it. Trust is this node's own and never told to others. It orders peers, and never admits or
excludes one alone (DESIGN section 7).
"""

from math import sqrt
from typing import NamedTuple

from dave.limits import TRUST_FADE, TRUST_HALF_LIFE_DAYS, TRUST_PEERS_MAX, TRUST_SCORE_FULL
from dave.names import SECOND, Instant, Place

_HALF_LIFE = TRUST_HALF_LIFE_DAYS * 86_400 * SECOND
_Z = 1.959964
"""Standard deviations that hold 95 % of a normal distribution."""


class Evidence(NamedTuple):
    """What is known of a peer's promises, faded."""

    kept: float
    broken: float
    since: Instant
    """When the first was noted."""
    at: Instant
    """When the last was noted: what `kept` and `broken` are faded to."""


class Trust:
    """Evidence about at most TRUST_PEERS_MAX peers, by node id."""

    __slots__ = ("_evidence",)

    def __init__(self) -> None:
        self._evidence: dict[Place, Evidence] = {}

    def kept(self, peer: Place, now: Instant) -> None:
        """The peer kept a promise."""
        self._note(peer, 1, 0, now)

    def broke(self, peer: Place, now: Instant) -> None:
        """The peer broke a promise."""
        self._note(peer, 0, 1, now)

    def score(self, peer: Place, now: Instant) -> float:
        """Lower bound of the share of promises that the peer keeps: 0 without evidence, below 1."""
        evidence = self._evidence.get(peer)
        if evidence is None:
            return 0.0
        fade = _idle_fade(evidence, now)
        return wilson(evidence.kept * fade, evidence.broken * fade)

    def weight(self, peer: Place | None, now: Instant) -> float:
        """What an acknowledgement of the peer counts: 1/2 without evidence, 1 from a score of 0.9
        on. A client without any history of its own counts each as 1."""
        if not self._evidence:
            return 1.0
        score = 0.0 if peer is None else self.score(peer, now)
        return 0.5 + 0.5 * min(score / TRUST_SCORE_FULL, 1.0)

    def evidence(self, peer: Place) -> Evidence | None:
        """What has been noted of a peer."""
        return self._evidence.get(peer)

    def all(self) -> dict[Place, Evidence]:
        """All that has been noted, for keeping it beyond this process."""
        return dict(self._evidence)

    def restore(self, peer: Place, evidence: Evidence) -> None:
        """Take in what an earlier process noted."""
        self._evidence[peer] = evidence
        self._bound()

    def __len__(self) -> int:
        return len(self._evidence)

    def _note(self, peer: Place, kept: int, broken: int, now: Instant) -> None:
        old = self._evidence.pop(peer, None) or Evidence(0.0, 0.0, now, now)
        fade = TRUST_FADE * _idle_fade(old, now)
        # At the end of the dict: who was noted longest ago is at its beginning.
        self._evidence[peer] = Evidence(
            old.kept * fade + kept, old.broken * fade + broken, old.since, now
        )
        self._bound()

    def _bound(self) -> None:
        if len(self._evidence) > TRUST_PEERS_MAX:
            del self._evidence[next(iter(self._evidence))]


def wilson(kept: float, broken: float) -> float:
    """Lower bound of the 95 % Wilson score interval for a share, from counts that may be fractions;
    0 for no evidence (E. B. Wilson, Probable Inference, 1927)."""
    n = kept + broken
    if n <= 0:
        return 0.0
    share, z2 = kept / n, _Z * _Z
    middle = share + z2 / (2 * n)
    spread = _Z * sqrt((share * (1 - share) + z2 / (4 * n)) / n)
    return max(0.0, (middle - spread) / (1 + z2 / n))


def _idle_fade(evidence: Evidence, now: Instant) -> float:
    return float(0.5 ** (max(0, now - evidence.at) / _HALF_LIFE))
