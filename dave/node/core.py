"""What a client and a node have in common: sessions, requests, a routing table, alarms.

Bytes and time go in, datagrams and effects come out (aioquic's five methods):

    receive_datagram(data, address, now)      handle_timer(now)      get_timer()
    datagrams_to_send()                       take_effects()

Nothing here blocks, and nothing here knows a socket, a clock or a thread.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from dave.crypto.identity import Identity
from dave.crypto.network import Network
from dave.drops import Drop, Drops
from dave.effects import Effect, Resolve
from dave.limits import (
    BUCKET_CONTACTS,
    CLIENT_BUCKET_CONTACTS,
    RATE_SLOTS,
    REGION_NODES_MAX,
    REPLICAS,
)
from dave.names import MS, Address, EntryId, Instant, Place, Rng, UnixMs
from dave.node.paths import Paths
from dave.node.peer_clocks import PeerClocks
from dave.node.requests import Answer, Peer, Requests
from dave.node.tally import Tally
from dave.node.timers import Timer, Timers
from dave.peers.contact import Contact, checked_contact
from dave.peers.density import Density
from dave.peers.limiter import RateLimiter
from dave.peers.promises import Promises
from dave.peers.region import region_size
from dave.peers.strangers import Strangers
from dave.peers.subnets import is_private, is_unicast
from dave.peers.table import Table
from dave.peers.trust import Trust
from dave.session.session import Established, FailReason, Session
from dave.session.sessions import Sessions
from dave.tuning import DEFAULT, Tuning
from dave.wire import messages
from dave.wire.entry import Entry
from dave.wire.messages import Put, PutAck, Request, WireContact
from dave.wire.packet import PacketType

if TYPE_CHECKING:
    from dave.node.bulk import Streams
    from dave.node.notices import Notices

DATA_TYPE = int(PacketType.DATA)
Datagram = tuple[bytes, Address]
Handler = Callable[[Session, bytes, Instant], None]
"""Called with the session, the message as bytes and the time."""


class Core:
    """The common part; `Client` adds the verbs of an application, `Node` what it serves."""

    rate_slots: ClassVar[int] = RATE_SLOTS
    """Slots of the rate table, 8 bytes each; fewer where thousands of cores share a process."""

    def __init__(
        self,
        identity: Identity,
        network: Network,
        rng: Rng,
        edges: Sequence[Peer] = (),
        tuning: Tuning = DEFAULT,
    ) -> None:
        tuning.check()
        self.tuning = tuning
        self.identity = identity
        self.network = network
        self.rng = rng
        self.edges = tuple(edges)
        self.wall_offset_ms = 0
        """Unix milliseconds minus `now` in milliseconds; whoever drives the core keeps it true."""
        self.drops = Drops()
        self.tally = Tally()
        self.limiter = RateLimiter(rng.randbytes(32), slots=self.rate_slots)
        self.strangers = Strangers(at_home=False)
        self.timers = Timers()
        is_client = identity.id is None
        per_bucket = CLIENT_BUCKET_CONTACTS if is_client else tuning.bucket_contacts
        self.table = Table(identity.id or 0, bucket_contacts=per_bucket)
        self.trust = Trust()
        self.promises = Promises()
        self.density = Density()
        self.peer_clocks = PeerClocks()
        self.paths = Paths(tuning.replicas)
        self.sessions = Sessions(identity, network, rng, self.drops)
        self.requests = Requests(self.sessions, self.timers, rng, self.drops, tuning)
        self._streams: Streams | None = None
        self.handlers: dict[int, Handler] = {}
        self.notices: Notices | None = None
        """Where to tell what happens; None while nobody listens. See `listen`."""
        self.is_reached = True
        """False for a node that nobody can reach unasked: it goes as a client."""
        self.knows_all_until: Instant = 0
        """So long the routing table is taken for the whole network: a lookup asked everybody ..."""
        self.nodes_known = 0
        """... and so many answered."""
        self._effects: list[Effect] = []
        self._on_timer: dict[Timer, Callable[[Any, Instant], None]] = {
            Timer.REQUEST: self.requests.on_timer,
        }

    @property
    def at_home(self) -> bool:
        """Whether this core is itself on a loopback or private address. Whoever drives it says so
        at first; a node learns it from what its peers see."""
        return self.strangers.at_home

    @at_home.setter
    def at_home(self, is_at_home: bool) -> None:
        self.strangers.at_home = self.table.at_home = is_at_home

    # --- The five methods --------------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: Address, now: Instant) -> None:
        """A datagram arrived. Any bytes do: what is wrong with them is a counted drop."""
        if (len(data) < 2 or data[1] != DATA_TYPE) and not self.limiter.allow(address, now):
            self.drops.add(Drop.RATE)
            return
        received = self.sessions.receive(data, address, now)
        if received is not None:
            session, message = received
            if session.wants_accept:
                self.came(session, now)
                if not session.wants_accept:
                    return  # ended by that: what came with it is not to be taken for DATA
            if not message:
                if session.wants_accept:
                    self.sessions.seal(session, b"", now)
            else:
                handler = self.handlers.get(message[0])
                if handler is not None:
                    handler(session, message, now)
                elif not self.refused_in_init(session, now):
                    self.requests.on_reply(session, message, now)
        if self.sessions.events:
            self.settle(now)

    def datagrams_to_send(self) -> list[Datagram]:
        """What has to go out, in order; each is returned once."""
        out = self.sessions.outbox
        if out:
            self.sessions.outbox = []
        return out

    def take_effects(self) -> list[Effect]:
        """What the world has to do for the core; each is returned once."""
        effects = self._effects
        if effects:
            self._effects = []
        return effects

    def get_timer(self) -> Instant | None:
        """When `handle_timer` wants to be called, or None."""
        mine, theirs = self.timers.next(), self.sessions.get_timer()
        if mine is None or theirs is None:
            return mine if theirs is None else theirs
        return min(mine, theirs)

    def handle_timer(self, now: Instant) -> None:
        """Do what is due."""
        theirs = self.sessions.get_timer()
        if theirs is not None and theirs <= now:
            self.sessions.handle_timer(now)
        while (due := self.timers.pop_due(now)) is not None:
            purpose, subject = due
            self._on_timer[purpose](subject, now)
        self.settle(now)

    @property
    def streams(self) -> "Streams":
        """The bulk channel. Made at first use: most clients never need it, and start faster."""
        if self._streams is None:
            from dave.node.bulk import Streams

            self._streams = Streams(self)
            self._on_timer[Timer.BULK] = self._streams.on_timer
        return self._streams

    def listen(self, notices: "Notices | None") -> None:
        """From now on tell there what happens; None: nowhere."""
        self.notices = notices
        self.table.on_change = None if notices is None else notices.peer

    # --- For the parts above -----------------------------------------------------------------

    def unix_ms(self, now: Instant) -> UnixMs:
        """The wall clock, as far as this core knows it."""
        return now // MS + self.wall_offset_ms

    def came(self, session: Session, now: Instant) -> None:
        """An INIT arrived, which may be a lie about its address."""

    def on_pong(self, pong: messages.Pong, session: Session, now: Instant) -> None:
        """A node answered our PING."""
        if session.node_id is not None:
            self.peer_clocks.heard(session.node_id, pong.time, now)

    def ask(self, peer: Peer, message: Request, done: Callable[[Answer, Instant], None],
            now: Instant, attempts: int | None = None) -> None:  # fmt: skip
        """Send a request; the routing table learns how it ended before `done` is called. Where a
        handshake is needed it may take so many packets, or one to a stranger."""

        asked = now

        def learn(answer: Answer, now: Instant) -> None:
            session = answer.session
            if session is not None and session.node_id is not None:
                if session.is_initiator and self.table.get(session.node_id) is None:
                    self.add_contact(session, now)
                known = self.table.rtt(session.node_id)
                tells = answer.is_exact or known is None or answer.rtt < known
                self.table.seen(session.node_id, now, answer.rtt if tells else None)
                if isinstance(answer.reply, messages.Pong):
                    self.on_pong(answer.reply, session, now)
            elif answer.failure not in (None, FailReason.FULL) and peer.id is not None:
                self._missed(peer, peer.id, asked, now)
            done(answer, now)

        if self._is_hearsay(peer):
            # Whoever hands out contacts must not be able to aim us at a victim.
            if not self.strangers.allow(peer.address, now):
                done(Answer(None, None, 0, FailReason.FULL), now)
                return
            if not (self.at_home and is_private(peer.address[0])):
                attempts = 1
        rtt = self.table.rtt(peer.id) if peer.id is not None else None
        self.requests.ask(peer, message, learn, now, rtt, attempts)

    def _missed(self, peer: Peer, peer_id: Place, asked: Instant, now: Instant) -> None:
        """A peer did not answer. Only at the address we know: another one is but what somebody
        told us, who must not be able to talk a live contact out of the table."""
        known = self.table.get(peer_id)
        if known is not None and known.address == peer.address:
            self.table.failed(peer_id, now, asked)

    def _is_hearsay(self, peer: Peer) -> bool:
        """Whether we have the address from others only, and it never answered us."""
        if peer.id is None or self.sessions.find(peer.address) is not None:
            return False
        # Who joins a handshake under way sends nothing more.
        if self.requests.is_connecting(peer.address, peer.public_key):
            return False
        known = self.table.get(peer.id)
        return known is None or known.address != peer.address

    def reply(self, session: Session, request: bytes, message: messages.Reply,
              now: Instant) -> None:  # fmt: skip
        """Answer the request whose bytes are given."""
        self.sessions.seal(session, messages.encode(request[1:5], message), now)

    def refused_in_init(self, session: Session, now: Instant) -> bool:
        """Whether a message that an INIT may not carry came in one: that is counted, and the ACCEPT
        goes out without an answer to it."""
        if session.wants_accept:
            self.drops.add(Drop.NOT_IN_INIT)
            self.sessions.seal(session, b"", now)
            return True
        return False

    def emit(self, effect: Effect) -> None:
        """Ask something of the world."""
        self._effects.append(effect)

    def resolve(self, operation: int, result: Any) -> None:
        """Tell the application that an operation ended."""
        self._effects.append(Resolve(operation, result))

    def own(self, entry_id: EntryId, now: Instant) -> Entry | None:
        """The version in this core's own store; a client has none."""
        return None

    def put_here(self, put: Put, done: Callable[[PutAck, Instant], None], now: Instant) -> bool:
        """Put into this core's own store, as any other put; returns whether there is one."""
        return False

    def peers_near(self, place: int, count: int = REPLICAS) -> list[Peer]:
        """The nearest known nodes; the edges while none is known."""
        contacts = self.table.nearest(place, count)
        return [peer_of(contact) for contact in contacts] or list(self.edges)

    def expected_distance(self) -> int | None:
        """Where the R-th nearest node to any place is expected, as far as this core can tell."""
        own = None
        if self.identity.id is not None and len(self.table) >= BUCKET_CONTACTS:
            farthest = self.table.nearest(self.identity.id, BUCKET_CONTACTS)[-1]
            own = (farthest.id ^ self.identity.id) / BUCKET_CONTACTS
        return self.density.expected_distance(self.tuning.replicas, own=own)

    def region(self, place: Place) -> list[Contact]:
        """The nodes known that should hold an entry at that place, nearest first; not this one."""
        near = self.table.nearest(place, REGION_NODES_MAX)
        distances = [contact.id ^ place for contact in near]
        return near[: region_size(distances, self.expected_distance(), self.tuning.replicas)]

    def learn(self, told: WireContact) -> Contact | None:
        """A node that a lookup is told of, as `checked`."""
        return self.checked(told)

    def checked(self, told: WireContact) -> Contact | None:
        """A node that somebody told of, with its id checked; None if it is nobody, or us."""
        contact = checked_contact(*told, self.network.node_work_bits)
        if contact is None:
            self.drops.add(Drop.NODE_WORK)
            return None
        if contact.public_key == self.identity.public_key:
            return None
        host, port = contact.address
        if not port or not is_unicast(host) or (is_private(host) and not self.at_home):
            self.drops.add(Drop.BAD_CONTACT)
            return None
        return contact

    def settle(self, now: Instant) -> None:
        """Act on what the session layer reports; the last step of whatever enters the core."""
        while self.sessions.events:
            events, self.sessions.events = self.sessions.events, []
            for event in events:
                if isinstance(event, Established):
                    self._established(event, now)
                else:
                    self.tally.failed[event.reason] += 1
                    self.requests.on_failed(event, now)

    def _established(self, event: Established, now: Instant) -> None:
        session = event.session
        if session.is_initiator:
            self.tally.connected += 1
        else:
            self.tally.accepted += 1
        self.strangers.answered(session.address)
        if session.node_id is not None and session.is_initiator:
            # Its ACCEPT was an answer to our own probe.
            self.add_contact(session, now)
        self.requests.on_established(event, now)

    def add_contact(self, session: Session, now: Instant) -> None:
        """Enter the node at the other end of a session into the routing table."""
        self.table.add(contact_of(session), now)


def peer_of(contact: Contact) -> Peer:
    """A contact as somebody to ask."""
    return Peer(contact.address, contact.public_key, contact.nonce, contact.id)


def contact_of(session: Session) -> Contact:
    """The node at the other end of a session."""
    assert session.node_id is not None
    return Contact(session.public_key, session.nonce, session.address, session.node_id)
