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
    EXPIRE_IDLE_SECONDS,
    EXPIRE_TICK_SECONDS,
    PROBE_ATTEMPTS,
    SHARDS,
)
from dave.names import SECOND, Address, EntryId, Instant, Place, Rng
from dave.node import handlers
from dave.node.audits import Audits
from dave.node.client import Client
from dave.node.clocks import Clocks
from dave.node.core import contact_of
from dave.node.joining import Joining
from dave.node.leases import Leases
from dave.node.liveness import Liveness
from dave.node.newcomers import Newcomers
from dave.node.proofs import Proofs
from dave.node.puts import Here, Puts
from dave.node.reach import Reach
from dave.node.replicas import Replicas
from dave.node.requests import Answer, Done, Peer
from dave.node.shares.service import ShareService
from dave.node.shares.upkeep import ShareUpkeep
from dave.node.sync_source import SyncSources
from dave.node.syncs import Syncs
from dave.node.timers import Timer
from dave.peers.clock_skew import ClockSkew
from dave.peers.contact import Contact
from dave.session.session import Established, Session
from dave.store.shares import ShareIndex
from dave.store.store import Store
from dave.tuning import DEFAULT, Tuning
from dave.wire.entry import Entry
from dave.wire.messages import Ping, Pong, Put, PutAck, Request, WireContact
from dave.wire.stream_kind import StreamKind


class Node(Client):
    """The synchronous core of a node. `start` must be called once before anything else.

    `start_count` comes from the journal: sequence numbers are never used twice.
    `journal_id` is that of the journal: 16 random bytes.
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
        journal_id: bytes,
        tuning: Tuning = DEFAULT,
    ) -> None:
        assert identity.id is not None
        super().__init__(identity, network, rng, edges, tuning)
        self.store = store
        self.puts = Puts(self, store, start_count)
        self.audits = Audits(self, store)
        self.replicas = Replicas(self, store, self.puts)
        self.syncs = Syncs(self)
        self.replicas.on_interval = self.syncs.on_announce
        self.replicas.is_pulling = self.syncs.is_pulling
        self.replicas.repair.on_came = self.syncs.came
        self.journal_id = journal_id
        self.sources = SyncSources(self, store, self.puts, self.replicas, journal_id)
        self.streams.serve(StreamKind.SYNC, self.sources.serve)
        self.proofs = Proofs(
            self, store, self.replicas.version_of, self.replicas.announcer.announce_evicted
        )
        self.leases = Leases(self, store)
        self.puts.on_version = self.leases.stored
        self.shares: ShareService | None = None
        """None: this node has no room for shares."""
        self.upkeep: ShareUpkeep | None = None
        self.clock_skew = ClockSkew()
        self.gets_found = 0
        self.gets_absent = 0
        self.reach = Reach(self)
        self.newcomers = Newcomers(self)
        self.liveness = Liveness(self)
        self.liveness.challenge = self.audits.challenge
        self.joining = Joining(self)
        self._expire_shard = 0
        for kind, handler in handlers.HANDLERS.items():
            self.handlers[kind] = partial(self._serve, handler)
        self._on_timer |= {
            Timer.JOIN: self.joining.on_timer,
            Timer.PROBE: self.liveness.on_timer,
            Timer.REACH: self.reach.on_timer,
            Timer.DIAL: self.newcomers.on_timer,
            Timer.EXPIRE: self._expire,
            Timer.AUDIT: self.audits.on_timer,
            Timer.ANNOUNCE: self.replicas.announcer.on_timer,
            Timer.LEARN: self.replicas.learn,
            Timer.REPAIR: self.replicas.repair.on_timer,
            Timer.NOTIFY: self.leases.on_timer,
            Timer.LEASE: self.leases.sweep,
            Timer.SYNC: self.syncs.on_timer,
        }

    @property
    def id(self) -> int:
        """The node's id: its place on the ring."""
        assert self.identity.id is not None
        return self.identity.id

    def start(self, now: Instant) -> None:
        """Begin to join and to keep house."""
        self.replicas.start(now)
        self.joining.start(now)
        self.reach.start(now)
        self.liveness.start(now)
        if self.upkeep is not None:
            self.upkeep.start(now)
        self.timers.set(now + self.jittered(EXPIRE_TICK_SECONDS), Timer.EXPIRE)

    @property
    def clocks(self) -> Clocks:
        """How far this node has what others have."""
        return self.syncs.clocks

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

    def pong(self, session: Session, now: Instant) -> Pong:
        """The answer to a PING; a node learns how far it was told of our journal."""
        unix_ms, reached = self.unix_ms(now), self.puts.committed
        if session.node_id is None:
            return Pong(unix_ms)
        contact = self.table.get(session.node_id)
        if contact is None or contact.address != session.address:
            return Pong(unix_ms, self.journal_id, reached, reached)
        announced = self.replicas.announcer.announced(contact.id)
        return Pong(unix_ms, self.journal_id, announced, reached)

    def on_pong(self, pong: Pong, session: Session, now: Instant) -> None:
        """A node answered our PING."""
        super().on_pong(pong, session, now)
        assert session.node_id is not None
        self.clock_skew.told(session.node_id, pong.time - self.unix_ms(now))
        self.syncs.on_pong(pong, session, now)

    def verified(self, ticket: int, is_genuine: bool, now: Instant) -> None:
        """Answer to an effect Verify."""
        if ticket < 0:
            self.share_answered(ticket, is_genuine, now)
        else:
            self.puts.verified(ticket, is_genuine, now)

    def appended(self, ticket: int, ok: bool, now: Instant) -> None:
        """Answer to an effect Append."""
        self.puts.appended(ticket, ok, now)

    def serve_shares(self, index: ShareIndex) -> ShareService:
        """Take in, keep and send shares of files; to be called once, before `start`."""
        self.shares = ShareService(self, index)
        self.upkeep = ShareUpkeep(self, self.shares, self.uploads, self.fetches)
        return self.shares

    def share_answered(self, ticket: int, result: Any, now: Instant) -> None:
        """Answer to an effect about shares, and to a Verify with a negative ticket."""
        assert self.shares is not None
        self.shares.effects.answered(ticket, result, now)

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

    # --- Whom to know ------------------------------------------------------------------------

    def ask(self, peer: Peer, message: Request, done: Done, now: Instant,
            attempts: int | None = None) -> None:  # fmt: skip
        """See Core.ask. Whom we wrote to cannot prove any more that we can be reached."""
        self.reach.wrote(peer.address)
        super().ask(peer, message, done, now, attempts)

    def meet(self, address: Address, now: Instant) -> None:
        """Somebody may run a node at that address: ask, as an edge is asked, but only once."""
        if any(contact.address == address for contact in self.table):
            return

        def answered(answer: Answer, now: Instant) -> None:
            if answer.session is not None:
                self.joining.soon(now)

        self.ask(Peer(address), Ping(), answered, now, PROBE_ATTEMPTS)
        self.settle(now)

    def came(self, session: Session, now: Instant) -> None:
        """An INIT arrived."""
        self.reach.came(session, now)
        self.newcomers.came(session, now)

    def learn(self, told: WireContact) -> Contact | None:
        """A node that somebody told of; if the table has room for it, it is probed some day."""
        contact = super().learn(told)
        if contact is not None:
            self.table.offer(contact)
        return contact

    def add_contact(self, session: Session, now: Instant) -> None:
        """A node answered us: it enters the table, if others can reach it as well."""
        contact = contact_of(session)
        if self.newcomers.is_proven(contact, now):
            self.newcomers.enter(contact, now)
        else:
            self.newcomers.verify(contact, now)

    def settle(self, now: Instant) -> None:
        """See Core.settle."""
        super().settle(now)
        if self.liveness.has_released:
            self.liveness.settle()

    def _established(self, event: Established, now: Instant) -> None:
        super()._established(event, now)
        session = event.session
        if session.is_initiator:
            return
        if session.node_id is None:
            self.newcomers.is_client(session)
        elif self.table.get(session.node_id) != (contact := contact_of(session)):
            self.newcomers.verify(contact, now)

    def _missed(self, peer: Peer, peer_id: Place, asked: Instant, now: Instant) -> None:
        before = self.table.failures(peer_id)
        super()._missed(peer, peer_id, asked, now)
        # That a lost contact is still gone changes nothing, nor that of several requests to one.
        if self.table.failures(peer_id) != before:
            self.liveness.failed(peer_id, now)

    # --- Keeping house -----------------------------------------------------------------------

    def _expire(self, _subject: Any, now: Instant) -> None:
        """One shard a tick, so that the loop never stops for long."""
        self.store.expire_shard(self._expire_shard, self.unix_ms(now))
        if self.shares is not None:
            self.shares.expire(now)
        self._expire_shard = (self._expire_shard + 1) % SHARDS
        is_empty = not self.store and not (self.shares and self.shares.index)
        wait = EXPIRE_IDLE_SECONDS if is_empty else EXPIRE_TICK_SECONDS
        self.timers.set(now + wait * SECOND, Timer.EXPIRE)

    def jittered(self, seconds: float) -> int:
        """About so many seconds, in nanoseconds; so nodes that started together do not stay so."""
        return int(seconds * SECOND * (0.75 + 0.5 * self.rng.random()))
