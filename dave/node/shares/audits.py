"""The asker's side of audits of shares: learns who says to hold what, and tests what was said.

To say that one holds a share is a promise. An audit asks about a batch of stripes, and for one leaf
of a share that the peer said to hold within the last hour, drawn at random, if a minute has passed
since the one before. What becomes of that, trust learns as it does of entries:

    the leaf, with a path to the address     kept
    another one                              broken
    it has none any more                     broken, if tests end so more often than they are passed
    no answer                                offline, and of five in a row from a peer that is
                                             there otherwise, broken

Its owner may have released an upload at one node alone, just to have it look like a liar: so that
it has a share no more is held against nobody until it has happened SHARE_ADMITTED_MAX times more
than tests were passed. What was refuted counts as not held, so that it is rebuilt elsewhere; and
nothing that who broke a promise says counts until it has passed SHARE_PROBATION tests.

There is no deadline for a leaf, as there is for the proof of entries: nobody else holds that very
share, so that who lacks it would have to rebuild it from k others. (Copies, of a code with k = 1,
can be borrowed.)
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dave.crypto import merkle
from dave.drops import Drop
from dave.errors import WireError
from dave.names import SECOND, Instant, Place
from dave.node.core import Core, peer_of
from dave.node.notices import ChallengeEnded, ChallengeSent, Result, Subject
from dave.node.streams import Stream, StreamEnd
from dave.node.timers import Timer
from dave.peers.contact import Contact
from dave.share_limits import (
    SHARE_ADMITTED_MAX,
    SHARE_CLAIM_SECONDS,
    SHARE_CLAIMERS_MAX,
    SHARE_CLAIMS_KEPT,
    SHARE_LEAF_SECONDS,
    SHARE_PATIENCE_SECONDS,
    SHARE_PROBATION,
    SHARE_REFUTED_MAX,
    SHARE_SILENCES_MAX,
)
from dave.store.shares import ShareIndex
from dave.wire.share_audit import LACKING, AuditRequest, HeldMasks, LeafAsked, LeafShown

Masks = Callable[[Sequence[int] | None, Instant], None]
"""Called with a mask for each stripe asked for, or None: no answer, or none to be believed."""


class _Claim(NamedTuple):
    """A share that a peer said to hold."""

    stripe_id: bytes
    number: int
    at: Instant


class _Claimer:
    """What is known of one peer."""

    __slots__ = ("admitted", "claims", "probation", "refuted", "silences", "tested")

    def __init__(self) -> None:
        self.claims: list[_Claim] = []
        """At most SHARE_CLAIMS_KEPT."""
        self.probation = 0
        """Tests to be passed before what it says counts again."""
        self.refuted: dict[tuple[bytes, int], None] = {}
        """Shares that it could not show, (stripe id, number); at most SHARE_REFUTED_MAX."""
        self.admitted = 0
        """Tests of what it had no more, less the tests passed; not below 0."""
        self.silences = 0
        self.tested: Instant | None = None
        """When a leaf was last asked for."""


class _Test(NamedTuple):
    """A leaf that was asked for."""

    claim: _Claim
    asked: LeafAsked
    size: int
    """Of its share."""


class ShareAudits:
    """All audits of shares by one node."""

    def __init__(self, core: Core, index: ShareIndex) -> None:
        self._core = core
        self._index = index
        self._claimers: dict[Place, _Claimer] = {}
        """Who was asked longest ago first; at most SHARE_CLAIMERS_MAX."""
        self.kept = self.broken = self.offline = 0
        """How tests have ended."""
        self.asked = 0
        self.leaf_bytes = 0
        """Of leaves that were shown."""

    def ask(self, contact: Contact, stripe_ids: Sequence[bytes], done: Masks, now: Instant) -> None:
        """Ask a peer which shares of 1 to STRIPE_BATCH stripes it holds; `done` is called once."""
        claimer = self._claimer(contact.id)
        test = self._choose(contact.id, claimer, now)
        request = AuditRequest(() if test is None else (test.asked,), tuple(stripe_ids))
        audit = _Audit(self, contact, claimer, stripe_ids, test, done, now)
        self.asked += 1
        if test is not None and (notices := self._core.notices) is not None:
            notices.add(ChallengeSent(contact.id, Subject.SHARES, 1))
        audit.stream = self._core.streams.open(peer_of(contact), request.encode(), audit, now)
        self._core.timers.set(now + SHARE_PATIENCE_SECONDS * SECOND, Timer.SHARES, audit.give_up)

    def note(
        self, claimer: _Claimer, stripe_ids: Sequence[bytes], masks: Sequence[int], now: Instant
    ) -> list[int] | None:
        """A peer says to hold these; what it said before of these stripes is forgotten. Returns
        what of it is to be believed; None: nothing."""
        told = dict(zip(stripe_ids, masks, strict=True))
        claims = [claim for claim in claimer.claims if claim.stripe_id not in told]
        for stripe_id, mask in told.items():
            known = self._index.stripe(stripe_id)
            numbers = range(0 if known is None else known[0].n)
            claims += [_Claim(stripe_id, i, now) for i in numbers if mask >> i & 1]
        while len(claims) > SHARE_CLAIMS_KEPT:
            claims[self._core.rng.randrange(len(claims))] = claims[-1]
            claims.pop()
        claimer.claims = claims
        for stripe_id, number in [*claimer.refuted]:
            if not told.get(stripe_id, -1) >> number & 1:
                # It does not say so any more; should it again, that is a new promise. Else what it
                # got anew would look lacking, and be rebuilt time and again.
                del claimer.refuted[stripe_id, number]
            elif stripe_id in told:
                told[stripe_id] &= ~(1 << number)
        return None if claimer.probation else list(told.values())

    def judge(
        self, peer: Place, claimer: _Claimer, test: _Test, shown: LeafShown, now: Instant
    ) -> None:
        """A peer has answered a test."""
        (address, leaf), name = test.asked, test.claim[:2]
        self.leaf_bytes += len(shown.leaf)
        if merkle.check(address, test.size, leaf, shown.leaf, shown.path):
            self.kept += 1
            self._core.trust.kept(peer, now)
            self._tell(peer, Result.KEPT)
            claimer.probation = max(0, claimer.probation - 1)
            claimer.admitted = max(0, claimer.admitted - 1)
            claimer.refuted.pop(name, None)
            return
        claimer.refuted[name] = None
        if len(claimer.refuted) > SHARE_REFUTED_MAX:
            del claimer.refuted[next(iter(claimer.refuted))]
        claimer.admitted += 1
        if shown == LACKING and claimer.admitted < SHARE_ADMITTED_MAX:
            self._tell(peer, Result.UNSETTLED)
            return
        claimer.admitted = 0
        self._broke(peer, claimer, now)

    def answered(self, peer: Place, claimer: _Claimer, now: Instant, *, was_tested: bool) -> None:
        """A peer has answered all that it was asked. Who leaves tests alone does not make up for
        that by answering what is no test."""
        if was_tested:
            claimer.silences = 0
        self._core.table.seen(peer, now)

    def silent(
        self, peer: Place, claimer: _Claimer, since: Instant, end: StreamEnd, now: Instant
    ) -> None:
        """A peer did not answer an audit that was asked `since`. Who has said to hold nothing has
        promised nothing: it may have no room for shares. Whom no connection reaches may have too
        many, of others' making, and did not see what was asked."""
        if end is StreamEnd.NO_ANSWER or (self._core.table.heard(peer) or 0) <= since:
            self.offline += 1
            self._tell(peer, Result.OFFLINE)
            return
        claimer.silences += bool(claimer.claims)
        if claimer.silences >= SHARE_SILENCES_MAX:
            claimer.silences = 0
            self._broke(peer, claimer, now)

    def dropped(self) -> None:
        """A peer's answer was none."""
        self._core.drops.add(Drop.SHARE_AUDIT)

    def _broke(self, peer: Place, claimer: _Claimer, now: Instant) -> None:
        self.broken += 1
        claimer.probation = SHARE_PROBATION
        self._core.trust.broke(peer, now)
        self._tell(peer, Result.BROKEN)

    def _tell(self, peer: Place, result: Result) -> None:
        if (notices := self._core.notices) is not None:
            proved = 1 if result is Result.KEPT else 0
            notices.add(ChallengeEnded(peer, Subject.SHARES, result, proved))

    def _claimer(self, peer: Place) -> _Claimer:
        claimer = self._claimers.pop(peer, None) or _Claimer()
        if len(self._claimers) >= SHARE_CLAIMERS_MAX:
            del self._claimers[next(iter(self._claimers))]
        self._claimers[peer] = claimer
        return claimer

    def _choose(self, peer: Place, claimer: _Claimer, now: Instant) -> _Test | None:
        """A leaf of one of the shares that the peer says to hold, if it is time for one."""
        if claimer.tested is not None and now - claimer.tested < SHARE_LEAF_SECONDS * SECOND:
            return None
        claims, rng = claimer.claims, self._core.rng
        while claims:
            drawn = rng.randrange(len(claims))
            claims[drawn], claims[-1] = claims[-1], claims[drawn]
            claim = claims[-1]
            known = self._index.stripe(claim.stripe_id)
            if known is not None and now - claim.at < SHARE_CLAIM_SECONDS * SECOND:
                record = known[0]
                size = record.size(claim.number)
                leaf = rng.randrange(merkle.leaf_count(size))
                claimer.tested = now
                return _Test(claim, LeafAsked(record.address(claim.number), leaf), size)
            claims.pop()
        return None


class _Audit:
    """The sink of one audit."""

    def __init__(
        self, audits: ShareAudits, contact: Contact, claimer: _Claimer,
        stripe_ids: Sequence[bytes], test: _Test | None, done: Masks, now: Instant,
    ) -> None:  # fmt: skip
        self._audits = audits
        self._contact = contact
        self._claimer = claimer
        self._stripe_ids = stripe_ids
        self._test = test
        self._done = done
        self._asked_at = now
        self._masks: Sequence[int] | None = None
        self._has_told = self._shown = False
        self._is_over = False
        self.stream: Stream | None = None

    def on_piece(self, data: bytes, now: Instant) -> None:
        """The masks, then the leaf."""
        assert self.stream is not None
        try:
            if not self._has_told:
                self._on_masks(HeldMasks.read(data).masks, now)
            elif self._test is None or self._shown:
                raise WireError("more than was asked for")
            else:
                shown = LeafShown.read(data)
                self._shown = True
                self._audits.judge(self._contact.id, self._claimer, self._test, shown, now)
        except WireError:
            self._audits.dropped()
            self.stream.cancel()
            self._finish(StreamEnd.BROKEN, now)
        else:
            self.stream.consumed(len(data))

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        """That was all, or there is no answer."""
        self._finish(end, now)

    def give_up(self, now: Instant) -> None:
        """A peer may keep a stream open, and say nothing."""
        assert self.stream is not None
        if not self._is_over:
            self.stream.cancel()
            self._finish(StreamEnd.BROKEN, now)

    def _on_masks(self, masks: Sequence[int], now: Instant) -> None:
        if len(masks) != len(self._stripe_ids):
            raise WireError("not a mask for each stripe")
        self._has_told = True
        self._masks = self._audits.note(self._claimer, self._stripe_ids, masks, now)

    def _finish(self, end: StreamEnd, now: Instant) -> None:
        self._is_over = True
        is_whole = self._has_told and (self._test is None or self._shown)
        if end is StreamEnd.DONE and is_whole:
            was_tested = self._test is not None
            self._audits.answered(self._contact.id, self._claimer, now, was_tested=was_tested)
        else:
            self._audits.silent(self._contact.id, self._claimer, self._asked_at, end, now)
            self._masks = None
        # A test that was not passed may have come after the masks.
        self._done(None if self._claimer.probation else self._masks, now)
