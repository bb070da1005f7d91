"""Nodes that break their promises and would not have it known: what storage challenges are for.

Each says STORED and counts on not being asked. What it answers when it is asked after all, is the
lie that it hopes for most.
"""

from functools import partial
from typing import Any

from dave.limits import SHORT_DIGEST_BYTES
from dave.names import EntryId, Instant, UnixMs
from dave.node.node import Node
from dave.node.proofs import Proofs
from dave.node.puts import Pending
from dave.node.requests import Answer, Peer
from dave.session.session import Session
from dave.wire.entry import Entry
from dave.wire.messages import Get, GetAck
from dave.wire.promises import Challenge, Proof
from dave.wire.status import ProofState

CHALLENGE = 13
"""Message type."""


class Dropper(Node):
    """Has dropped what `dropped` names and still promises it. Asked for it, it admits that, or
    claims to hold it, to hold a newer version, or to have announced the eviction."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.dropped: dict[EntryId, None] = {}
        self.store.get = partial(self._get, self.store.get)  # type: ignore[method-assign]
        self.handlers[CHALLENGE] = self._challenged

    def _get(self, get: Any, entry_id: EntryId, now_ms: UnixMs) -> bytes | None:
        held: bytes | None = get(entry_id, now_ms)
        return None if entry_id in self.dropped else held

    def _challenged(self, session: Session, data: bytes, now: Instant) -> None:
        proof = self.proofs.prove(Challenge.read(data), session, now)
        lie = ProofState(self.rng.randrange(len(ProofState)))
        told = (lie if state is ProofState.MISSING else state for state in proof.states)
        self.reply(session, data, Proof(tuple(told), proof.hash), now)


class Proxy(Node):
    """Keeps nothing at all. Asked to prove it, it fetches from the node `keeper` what it needs,
    and keeps that until this audit must be over."""

    KEEPS_SECONDS = 30

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.keeper: Peer | None = None
        self.fetched: dict[EntryId, tuple[bytes, Instant]] = {}
        self.store.get = self._get  # type: ignore[method-assign]
        self.handlers[CHALLENGE] = self._challenged
        # What it acknowledged it knows by name, as an honest node does.
        self._names: dict[bytes, EntryId] = {}
        find = self._names.get
        self.proofs = Proofs(
            self, self.store, lambda short: (find(short), None), lambda *nothing: None
        )
        self.puts.on_stored = self._stored

    def _stored(self, pending: Pending, now: Instant) -> None:
        self._names[pending.digest[:SHORT_DIGEST_BYTES]] = pending.entry_id

    def _get(self, entry_id: EntryId, now_ms: UnixMs) -> bytes | None:
        data, until_ms = self.fetched.get(entry_id, (None, 0))
        return data if now_ms < until_ms else None

    def _challenged(self, session: Session, data: bytes, now: Instant) -> None:
        assert self.keeper is not None
        now_ms = self.unix_ms(now)
        challenge = Challenge.read(data)
        wanted = [self._names.get(digest) for digest in challenge.digests]
        missing = [i for i in wanted if i is not None and self._get(i, now_ms) is None]
        left = len(missing)

        def fetched(answer: Answer, now: Instant) -> None:
            nonlocal left
            left -= 1
            if isinstance(answer.reply, GetAck) and answer.reply.entry is not None:
                entry: Entry = answer.reply.entry
                until_ms = self.unix_ms(now) + self.KEEPS_SECONDS * 1000
                self.fetched[entry.id] = entry.data, until_ms
            if not left:
                self.reply(session, data, self.proofs.prove(challenge, session, now), now)

        for entry_id in missing:
            self.ask(self.keeper, Get(entry_id), fetched, now)
        if not missing:
            self.reply(session, data, self.proofs.prove(challenge, session, now), now)
