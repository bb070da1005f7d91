"""The challenger's side: tests what peers have promised, and notes in trust how that went.

    challenge -> proof in time      -> judged: kept or broken; newer ones are fetched first
              -> late, or silent    -> PING -> no answer: offline, which says nothing of promises
                                            -> answered: another challenge; after five: broken

Each challenge draws its entries and its nonce anew and is sent once, in a session that is there:
who has to fetch an entry elsewhere is late, and what it fetched is of little use for the next. (Who
promised few entries can have fetched them all by then. It holds them now.) An audit is one event
of trust, whatever the number of entries: one that is missing among 64 is a broken promise.
"""

from dave.limits import (
    AUDIT_GRACE_SECONDS,
    AUDIT_LOOKED_MAX,
    AUDIT_PINGS_MAX,
    AUDIT_SECONDS,
    AUDIT_SILENCES_MAX,
    AUDIT_SLACK_MS,
    AUDITS_MAX,
    CHALLENGE_ENTRIES_MAX,
    CHALLENGE_NONCE_BYTES,
    CLOCK_AHEAD_MS_MAX,
    PROMISERS_MAX,
    SHARDS,
)
from dave.names import MS, SECOND, EntryId, Instant, Place
from dave.node.challenge import OpenChallenge
from dave.node.core import Core, peer_of
from dave.node.notices import ChallengeEnded, ChallengeSent, Result, Subject
from dave.node.requests import Answer
from dave.node.results import is_genuine
from dave.node.timers import Timer
from dave.peers.contact import Contact
from dave.session.session import FailReason, Session
from dave.store.store import Store
from dave.wire.entry import Entry, order
from dave.wire.messages import Get, GetAck, Ping
from dave.wire.promises import Proof
from dave.wire.status import ProofState

_CANDIDATES = 4 * CHALLENGE_ENTRIES_MAX
"""Promises among which a challenge chooses, where there are so many."""


class _Audit:
    """The audit of one peer, from the first packet to the verdict."""

    __slots__ = (
        "contact",
        "evicted",
        "is_timed",
        "newer",
        "pings",
        "proved",
        "sent_at",
        "silences",
    )

    def __init__(self, contact: Contact, is_timed: bool, now: Instant) -> None:
        self.contact = contact
        self.is_timed = is_timed
        """Whether the round trip was known before."""
        self.pings = 0
        self.silences = 0
        self.sent_at = now
        """When the last challenge was sent; the beginning, before the first."""
        self.newer: list[Entry] = []
        """Our versions of what the peer says to hold newer ones of, still to be fetched."""
        self.evicted: list[EntryId] = []
        self.proved = 0
        """Entries held, or delivered in a newer version."""


class Audits:
    """All audits by one node; at most AUDITS_MAX at a time, one per peer."""

    def __init__(self, core: Core, store: Store) -> None:
        self._core = core
        self._store = store
        self._under_way: dict[Place, _Audit] = {}
        self._last: dict[Place, Instant] = {}
        """When each peer was audited last, the longest ago first; at most PROMISERS_MAX."""
        self.kept = self.broken = self.offline = self.unsettled = 0
        """How audits have ended. Unsettled: nothing was proved, and nothing broken."""

    def __len__(self) -> int:
        return len(self._under_way)

    def challenge(self, contact: Contact, now: Instant) -> bool:
        """Begin an audit, unless the peer was audited within AUDIT_SECONDS or has promised nothing
        that we hold. True: the peer is being asked, and needs no other probe."""
        last = self._last.get(contact.id)
        if last is not None and now - last < AUDIT_SECONDS * SECOND:
            return False
        if contact.id in self._under_way or len(self._under_way) >= AUDITS_MAX:
            return False
        if not self._core.promises.is_promiser(contact.id):
            return False
        self._last.pop(contact.id, None)
        if len(self._last) >= PROMISERS_MAX:
            del self._last[next(iter(self._last))]
        self._last[contact.id] = now
        if not self._choose(contact.id, now):
            return False
        is_timed = self._core.table.rtt_least(contact.id) is not None
        audit = self._under_way[contact.id] = _Audit(contact, is_timed, now)
        session = self._session(contact)
        if session is None:
            self._ping(audit, now)
        else:
            self._ask(audit, session, None, now)
        return True

    def on_timer(self, audit: _Audit, now: Instant) -> None:
        """By now the peer should have announced the evictions that its proof told of."""
        promises, peer = self._core.promises, audit.contact.id
        still = [entry_id for entry_id in audit.evicted if promises.has(peer, entry_id)]
        # While we were away it could not announce them to us.
        unsaid = [entry_id for entry_id in still if not promises.is_recalled(peer, entry_id)]
        for entry_id in still:
            promises.withdraw(peer, entry_id)
        self._end(audit, now, is_broken=bool(unsaid))

    # --- Asking ------------------------------------------------------------------------------

    def _choose(self, peer: Place, now: Instant) -> list[Entry]:
        """Up to CHALLENGE_ENTRIES_MAX entries, at random, that the peer promised and we hold. The
        shards are ours alone, so that where the walk begins tells it nothing."""
        rng, store, promises = self._core.rng, self._store, self._core.promises
        candidates: list[EntryId] = []
        shard, looked = rng.randrange(SHARDS), 0
        for i in range(SHARDS):
            ids = [entry_id for entry_id, _ in store.held_in_shard((shard + i) % SHARDS)]
            if not ids:
                continue
            candidates += promises.promised_by(peer, ids)
            looked += len(ids)
            if looked >= AUDIT_LOOKED_MAX or len(candidates) >= _CANDIDATES:
                break
        now_ms = self._core.unix_ms(now)
        chosen: list[Entry] = []
        while candidates and len(chosen) < CHALLENGE_ENTRIES_MAX:
            drawn = rng.randrange(len(candidates))
            candidates[drawn], candidates[-1] = candidates[-1], candidates[drawn]
            data = store.get(candidates.pop(), now_ms)
            # One that expires soon may be gone already by the peer's clock.
            if data is not None and (entry := Entry(data)).expires_ms > now_ms + CLOCK_AHEAD_MS_MAX:
                chosen.append(entry)
        return chosen

    def _session(self, contact: Contact) -> Session | None:
        """The session with that very node: another one may be at its address now."""
        session = self._core.sessions.find(contact.address)
        return session if session and session.public_key == contact.public_key else None

    def _ask(self, audit: _Audit, session: Session, measured: int | None, now: Instant) -> None:
        """Challenge the peer in a session with it. `measured`: the round trip of its last answer,
        for a peer of which the routing table knows none."""
        core = self._core
        rtt = core.table.rtt_least(audit.contact.id)
        if rtt is None:
            rtt = measured
        if rtt is None:
            self._ping(audit, now)
            return
        entries = self._choose(audit.contact.id, now)
        if not entries:
            self._end(audit, now, is_broken=False)
            return
        nonce = core.rng.randbytes(CHALLENGE_NONCE_BYTES)
        opened = OpenChallenge(entries, core.network, nonce, core.identity.public_key, session)
        patience = rtt + AUDIT_SLACK_MS * MS
        audit.sent_at = now
        if core.notices is not None:
            core.notices.add(ChallengeSent(audit.contact.id, Subject.ENTRIES, len(entries)))

        def answered(answer: Answer, now: Instant) -> None:
            if answer.failure is FailReason.FULL:
                self._end(audit, now, is_broken=False)
            elif not isinstance(answer.reply, Proof) or answer.rtt > patience:
                self._silent(audit, now)
            else:
                core.table.seen(audit.contact.id, now)
                self._judge(audit, opened, answer.reply, now)

        core.requests.ask_once(session, opened.message, answered, now, patience)

    def _silent(self, audit: _Audit, now: Instant) -> None:
        """No proof in time: is the peer there at all?"""
        audit.silences += 1
        self._ping(audit, now)

    def _ping(self, audit: _Audit, now: Instant) -> None:
        def answered(answer: Answer, now: Instant) -> None:
            self._pinged(audit, answer, now)

        audit.pings += 1
        self._core.ask(peer_of(audit.contact), Ping(), answered, now)

    def _pinged(self, audit: _Audit, answer: Answer, now: Instant) -> None:
        peer = audit.contact.id
        session, measured = answer.session, None if answer.session is None else answer.rtt
        if session is None and (self._core.table.heard(peer) or 0) > audit.sent_at:
            # It answered other requests meanwhile.
            audit.silences += 1
            session = self._session(audit.contact)
        if session is None:
            is_offline = answer.failure is not FailReason.FULL
            self.offline += is_offline
            del self._under_way[peer]
            self._tell(audit, Result.OFFLINE if is_offline else Result.UNSETTLED)
        elif audit.silences >= AUDIT_SILENCES_MAX:
            self._end(audit, now, is_broken=True)
        elif not audit.is_timed and not answer.is_exact and audit.pings < AUDIT_PINGS_MAX:
            # A handshake that lost a packet would give a proxy all the time that it needs.
            self._ping(audit, now)
        else:
            self._ask(audit, session, measured, now)

    # --- Judging -----------------------------------------------------------------------------

    def _judge(self, audit: _Audit, opened: OpenChallenge, proof: Proof, now: Instant) -> None:
        states = opened.judge(proof)
        promises, peer = self._core.promises, audit.contact.id
        if states is None:
            # Any of them may be the one that it lacks.
            for entry in opened.entries:
                promises.withdraw(peer, entry.id)
            self._end(audit, now, is_broken=True)
            return
        is_broken = False
        audit.newer, audit.evicted, audit.proved = [], [], 0
        for entry, state in zip(opened.entries, states, strict=True):
            if state is ProofState.HELD:
                audit.proved += 1
            elif state is ProofState.NEWER:
                audit.newer.append(entry)
            elif state is ProofState.EVICTED:
                audit.evicted.append(entry.id)
            else:
                promises.withdraw(peer, entry.id)
                is_broken = True
        if is_broken:
            self._end(audit, now, is_broken=True)
        else:
            self._fetch(audit, now)

    def _fetch(self, audit: _Audit, now: Instant) -> None:
        """Have newer versions delivered, one after another: who claims them must hold them."""
        if audit.newer:
            self._core.ask(
                peer_of(audit.contact),
                Get(audit.newer[-1].id),
                lambda answer, now: self._delivered(audit, answer, now),
                now,
            )
        elif audit.evicted:
            due = now + AUDIT_GRACE_SECONDS * SECOND
            self._core.timers.set(due, Timer.AUDIT, audit)
        else:
            self._end(audit, now, is_broken=False)

    def _delivered(self, audit: _Audit, answer: Answer, now: Instant) -> None:
        if answer.session is None:
            self._silent(audit, now)
            return
        ours = audit.newer.pop()
        # Either way: what it promised was the version that we hold.
        self._core.promises.withdraw(audit.contact.id, ours.id)
        theirs = answer.reply.entry if isinstance(answer.reply, GetAck) else None
        if theirs is None or not self._is_newer(theirs, ours):
            self._end(audit, now, is_broken=True)
            return
        audit.proved += 1
        self._fetch(audit, now)

    def _is_newer(self, theirs: Entry, ours: Entry) -> bool:
        network = self._core.network
        return (
            theirs.id == ours.id
            and order(theirs, network) > order(ours, network)
            and is_genuine(theirs, network)
        )

    def _end(self, audit: _Audit, now: Instant, *, is_broken: bool) -> None:
        peer = audit.contact.id
        del self._under_way[peer]
        if is_broken:
            self.broken += 1
            self._core.trust.broke(peer, now)
            self._tell(audit, Result.BROKEN)
        elif audit.proved > len(audit.evicted):  # or evictions would be a way to trust
            self.kept += 1
            self._core.trust.kept(peer, now)
            self._tell(audit, Result.KEPT)
        else:
            self.unsettled += 1
            self._tell(audit, Result.UNSETTLED)

    def _tell(self, audit: _Audit, result: Result) -> None:
        if (notices := self._core.notices) is not None:
            ended = ChallengeEnded(audit.contact.id, Subject.ENTRIES, result, audit.proved)
            notices.add(ended)
