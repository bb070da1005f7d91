"""A node: a client that also serves. It stores entries, answers requests, and keeps itself among
the other nodes."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dave.crypto.identity import Identity
from dave.crypto.network import Network
from dave.drops import Drop
from dave.errors import WireError
from dave.limits import (
    EXPIRE_TICK_SECONDS,
    JOIN_SECONDS_FIRST,
    JOIN_SECONDS_MAX,
    PROBE_SECONDS,
    SHARDS,
)
from dave.names import SECOND, EntryId, Instant, Rng
from dave.node import handlers
from dave.node.audits import Audits
from dave.node.client import Client
from dave.node.core import peer_of
from dave.node.lookup import Lookup, go_on
from dave.node.proofs import Proofs
from dave.node.puts import Here, Puts
from dave.node.replicas import Replicas
from dave.node.requests import Answer, Peer
from dave.node.timers import Timer
from dave.session.session import Established, Session
from dave.store.store import Store
from dave.wire.entry import Entry
from dave.wire.messages import Find, Ping, Put, PutAck


class Node(Client):
    """The synchronous core of a node. `start` must be called once before anything else.

    `start_count` comes from the journal: sequence numbers are never used twice.
    """

    def __init__(
        self,
        identity: Identity,
        network: Network,
        rng: Rng,
        store: Store,
        edges: Sequence[Peer] = (),
        *,
        start_count: int,
    ) -> None:
        assert identity.id is not None
        super().__init__(identity, network, rng, edges)
        self.store = store
        self.puts = Puts(self, store, start_count)
        self.audits = Audits(self, store)
        self.replicas = Replicas(self, store, self.puts)
        self.proofs = Proofs(self, store, self.replicas.version_of)
        self.gets_found = 0
        self.gets_absent = 0
        self._join_wait = JOIN_SECONDS_FIRST
        self._expire_shard = 0
        for kind, handler in handlers.HANDLERS.items():
            self.handlers[kind] = partial(self._serve, handler)
        self._on_timer |= {
            Timer.JOIN: self._join,
            Timer.PROBE: self._probe,
            Timer.EXPIRE: self._expire,
            Timer.AUDIT: self.audits.on_timer,
            Timer.ANNOUNCE: self.replicas.announcer.on_timer,
            Timer.LEARN: self.replicas.learn,
            Timer.REPAIR: self.replicas.repair.on_timer,
        }

    @property
    def id(self) -> int:
        """The node's id: its place on the ring."""
        assert self.identity.id is not None
        return self.identity.id

    def start(self, now: Instant) -> None:
        """Begin to join and to keep house."""
        self.replicas.start(now)
        self.timers.set(now, Timer.JOIN)
        self.timers.set(now + self._jittered(PROBE_SECONDS), Timer.PROBE)
        self.timers.set(now + self._jittered(EXPIRE_TICK_SECONDS), Timer.EXPIRE)

    def leave(self, now: Instant) -> None:
        """Hand over what only this node holds. Give it time until `leave_done`, or as much as there
        is; then `say_bye`."""
        self.replicas.leave(now)
        self.settle(now)

    @property
    def leave_done(self) -> bool:
        """Whether nothing is left to hand over."""
        return self.replicas.leave_done

    def say_bye(self, now: Instant) -> None:
        """The last word to all nodes that this one has a session with."""
        self.replicas.say_bye(now)

    def verified(self, ticket: int, is_genuine: bool, now: Instant) -> None:
        """Answer to an effect Verify."""
        self.puts.verified(ticket, is_genuine, now)

    def appended(self, ticket: int, ok: bool, now: Instant) -> None:
        """Answer to an effect Append."""
        self.puts.appended(ticket, ok, now)

    def own(self, entry_id: EntryId, now: Instant) -> Entry | None:
        """The version in this node's own store."""
        held = self.store.get(entry_id, self.unix_ms(now))
        return None if held is None else Entry(held)

    def put_here(self, put: Put, done: Callable[[PutAck, Instant], None], now: Instant) -> bool:
        """Put into this node's own store; `done` is called as soon as that is committed."""
        self.puts.receive(put, Here(done), b"", now)
        return True

    def _serve(self, handler: Any, session: Session, data: bytes, now: Instant) -> None:
        try:
            handler(self, session, data, now)
        except WireError:
            self.drops.add(Drop.WIRE)
            if session.wants_accept:
                self.sessions.seal(session, b"", now)

    def _established(self, event: Established, now: Instant) -> None:
        super()._established(event, now)
        session = event.session
        if session.node_id is not None and not session.is_initiator:
            known = self.table.get(session.node_id)
            if known is None or known.address != session.address:
                self._prove(session, now)

    def _prove(self, session: Session, now: Instant) -> None:
        """A node came to us: it enters the table once it has answered our own probe."""

        def enter(answer: Answer, now: Instant) -> None:
            if answer.session is not None:
                self.add_contact(answer.session, now)

        self.ask(Peer(session.address, session.public_key), Ping(), enter, now)

    # --- Keeping house -----------------------------------------------------------------------

    def _join(self, _subject: Any, now: Instant) -> None:
        """Look up our own id, so that we know our neighbours and they know us."""
        near = self.peers_near(self.id)
        # Edges are kept for ever: through them the halves of a split network find each other.
        known = {contact.address for contact in self.table}
        near += [edge for edge in self.edges if edge.address not in known]
        if near:
            lookup = Lookup(self, self.id, Find(self.id), go_on, _nothing)
            lookup.start(near, now)
        wait = self._join_wait
        if len(self.table) or not self.edges:
            wait = JOIN_SECONDS_MAX
        self._join_wait = min(2 * wait, JOIN_SECONDS_MAX)
        self.timers.set(now + self._jittered(wait), Timer.JOIN)

    def _probe(self, _subject: Any, now: Instant) -> None:
        """A challenge to the contact unheard longest, or a PING if that is due no audit."""
        contact = self.table.unheard_longest()
        if contact is not None and not self.audits.challenge(contact, now):
            self.ask(peer_of(contact), Ping(), lambda answer, now: None, now)
        self.timers.set(now + self._jittered(PROBE_SECONDS), Timer.PROBE)

    def _expire(self, _subject: Any, now: Instant) -> None:
        """One shard a tick, so that the loop never stops for long."""
        self.store.expire_shard(self._expire_shard, self.unix_ms(now))
        self._expire_shard = (self._expire_shard + 1) % SHARDS
        self.timers.set(now + EXPIRE_TICK_SECONDS * SECOND, Timer.EXPIRE)

    def _jittered(self, seconds: float) -> int:
        return int(seconds * SECOND * (0.75 + 0.5 * self.rng.random()))


def _nothing(*_: Any) -> None:
    return None
