"""The bulk channel: all its connections, and the way to open and answer streams (streams.py).

Connections are made at need, shared by all streams with a peer, and ended when idle. Nobody is
dialled before a session by UDP, or an earlier one, has shown that the node with that key is at that
address: so nobody can aim us at a victim, and our key is shown to members of the network only.

The world carries out Dial, Transmit and HangUp, and calls `accepted`, `dialled`, `received`, `pull`
and `closed`.
"""

from collections.abc import Callable
from typing import Any, Protocol

from dave.bulk_limits import (
    LINK_LOOK_SECONDS,
    LINK_OPEN_SECONDS,
    LINKS_ACCEPTED_MAX,
    LINKS_DIALLED_MAX,
    LINKS_HALF_OPEN_MAX,
    LINKS_PER_PEER_MAX,
    LINKS_PER_SUBNET_MAX,
    STREAMS_ASKED_MAX,
    STREAMS_PER_PEER_MAX,
    STREAMS_SERVED_MAX,
)
from dave.crypto.identity import Identity
from dave.crypto.network import Network
from dave.drops import Drop, Drops
from dave.effects import Dial, Effect, HangUp, Transmit
from dave.errors import UsageError, WireError
from dave.limits import STREAM_REQUEST_BYTES_MAX
from dave.names import SECOND, Address, Instant, Place, Rng
from dave.node.link import Link
from dave.node.requests import Answer, Peer
from dave.node.streams import Handler, Sink, Source, Stream, StreamEnd
from dave.node.timers import Timer, Timers
from dave.peers.limiter import RateLimiter
from dave.peers.subnets import is_private, subnet
from dave.peers.table import Table
from dave.session import channel
from dave.session.sessions import Sessions
from dave.wire.messages import Ping, Request


class Core(Protocol):
    """What the bulk channel needs of its core (core.py)."""

    identity: Identity
    network: Network
    rng: Rng
    drops: Drops
    limiter: RateLimiter
    sessions: Sessions
    table: Table
    timers: Timers
    is_reached: bool

    @property
    def at_home(self) -> bool: ...
    def emit(self, effect: Effect) -> None: ...
    def ask(
        self, peer: Peer, message: Request, done: Callable[[Answer, Instant], None], now: Instant
    ) -> None: ...


_NOWHERE: Address = ("", 0)


class Streams:
    """`core.streams`."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._links: dict[int, Link] = {}
        """By number, in the order in which they were made."""
        self._handlers: dict[int, Handler] = {}
        self._last = 0
        self._served = 0
        self._served_by: dict[bytes, int] = {}
        """Streams that we answer by account (`_accounts`); none at 0."""

    @property
    def links(self) -> int:
        """Connections, half-open ones too."""
        return len(self._links)

    @property
    def served(self) -> int:
        """Streams that we answer now."""
        return self._served

    def serve(self, kind: int, handler: Handler) -> None:
        """Answer requests whose first byte is `kind` by what `handler` returns."""
        assert kind not in self._handlers, f"two handlers for requests of kind {kind}"
        self._handlers[kind] = handler

    def open(self, peer: Peer, request: bytes, sink: Sink, now: Instant) -> Stream:
        """Ask a node; `request` has 1 to STREAM_REQUEST_BYTES_MAX bytes, of which the first says
        who answers it. Raises UsageError for any other size."""
        if not 1 <= len(request) <= STREAM_REQUEST_BYTES_MAX:
            raise UsageError(
                f"a stream's request has 1 to {STREAM_REQUEST_BYTES_MAX} bytes, not {len(request)}"
            )
        stream = Stream(request, sink)
        link = self._find(peer)
        if link is not None:
            self._ask(link, stream, now)
        elif (known := self._key_and_id(peer)) is not None:
            self._dial(peer.address, *known, stream, now)
        else:
            self._ask_first(peer, stream, now)
        return stream

    def open_back(
        self, public_key: bytes, request: bytes, sink: Sink, now: Instant
    ) -> Stream | None:
        """Ask whoever has asked us, over the connection that they made, clients too, whom nobody
        can dial; None where it is gone."""
        link = self._find(Peer(_NOWHERE, public_key))
        if link is None:
            return None
        stream = Stream(request, sink)
        self._ask(link, stream, now)
        return stream

    def refuse(self, public_key: bytes, now: Instant) -> None:
        """End all connections with who does what no peer may."""
        for link in [*self._links.values()]:
            if link.channel.public_key == public_key and not link.is_over:
                self._hang_up(link, StreamEnd.BROKEN, now)

    # --- What the world reports ----------------------------------------------------------------

    def accepted(self, address: Address, now: Instant) -> int | None:
        """Somebody has connected; the number of the connection, or None: close it."""
        core = self._core
        if core.identity.id is None or not core.limiter.allow(address, now):
            core.drops.add(Drop.RATE)
            return None
        if not self._has_room_for(address) or not self._make_room(now, is_dialled=False):
            core.drops.add(Drop.BULK_FULL)
            return None
        waiting = [link for link in self._links.values() if not link.is_proven]
        waiting = [link for link in waiting if not link.is_dialled]
        if len(waiting) >= LINKS_HALF_OPEN_MAX:
            core.drops.add(Drop.BULK_FULL)
            self._hang_up(waiting[0], StreamEnd.NO_ANSWER, now)
        end = channel.answer(core.identity, core.network, core.rng)
        return self._add(end, address, False, now).number

    def dialled(self, number: int, now: Instant) -> None:
        """A connection asked for by Dial is there."""
        if (link := self._links.get(number)) is not None:
            link.connected(now)

    def received(self, number: int, data: bytes, now: Instant) -> None:
        """Bytes came, in slices of some LINK_SLICE_BYTES. Any bytes do."""
        link = self._links.get(number)
        if link is None:
            return
        try:
            link.receive(data, now)
        except WireError:
            self._core.drops.add(Drop.BULK_FRAME if link.is_proven else Drop.BULK_HANDSHAKE)
            if not link.is_over:
                self._hang_up(link, _end_of(link), now)

    def pull(self, number: int, now: Instant) -> bytes:
        """What to send next; empty: nothing, until the next Transmit."""
        link = self._links.get(number)
        return b"" if link is None else link.pull(now)

    def closed(self, number: int, now: Instant) -> None:
        """The connection is gone, or could not be made."""
        if (link := self._links.pop(number, None)) is not None:
            link.end(_end_of(link), now)

    def hang_up(self, now: Instant) -> None:
        """End all connections."""
        for link in [*self._links.values()]:
            self._hang_up(link, StreamEnd.BROKEN, now)

    def on_timer(self, subject: Any, now: Instant) -> None:
        """Look after a connection, or end a stream that never had one."""
        if not isinstance(subject, Link):
            stream, end = subject
            stream.end(end, now)
        elif not subject.is_over:
            if (end := subject.look(now)) is None:
                self._core.timers.set(now + LINK_LOOK_SECONDS * SECOND, Timer.BULK, subject)
            else:
                if not subject.is_proven:
                    self._core.drops.add(Drop.BULK_HANDSHAKE)
                self._hang_up(subject, end, now)

    # --- For a connection (link.py) ------------------------------------------------------------

    def transmit(self, link: Link) -> None:
        """It has something to send."""
        self._core.emit(Transmit(link.number))

    def makes_way(self, link: Link) -> bool:
        """Whether one more stream may be answered; one of another peer may have to end for it."""
        accounts, served_by = _accounts(link), self._served_by
        mine = max(served_by.get(account, 0) for account in accounts)
        if mine >= STREAMS_PER_PEER_MAX:
            return False
        if self._served < STREAMS_SERVED_MAX:
            return True
        greedy = max(served_by, key=served_by.__getitem__)
        if served_by[greedy] <= mine + 1:
            return False
        theirs = [other for other in self._links.values() if greedy in _accounts(other)]
        max(theirs, key=lambda other: other.served).give_way()
        self._core.drops.add(Drop.BULK_FULL)
        return True

    def source_for(self, link: Link, request: bytes, now: Instant) -> Source | None:
        """What answers a request."""
        handler = self._handlers.get(request[0])
        source = None if handler is None else handler(link.channel.public_key, request, now)
        if source is not None:
            self._served += 1
            for account in _accounts(link):
                self._served_by[account] = self._served_by.get(account, 0) + 1
        return source

    def released(self, link: Link) -> None:
        """A stream that was answered has ended."""
        self._served -= 1
        for account in _accounts(link):
            self._served_by[account] -= 1
            if not self._served_by[account]:
                del self._served_by[account]

    def proven(self, link: Link, now: Instant) -> None:
        """The peer has shown its key. Of too many connections that it has opened, the first is
        taken for dead: a node that was killed and came back cannot tell us."""
        if link.is_dialled:
            return
        key = link.channel.public_key
        same = [other for other in self._links.values() if other.channel.public_key == key]
        same = [other for other in same if other.is_proven and not other.is_dialled]
        if len(same) > LINKS_PER_PEER_MAX:
            self._hang_up(same[0], StreamEnd.BROKEN, now)

    def drop(self, reason: Drop) -> None:
        """Count something that was dropped."""
        self._core.drops.add(reason)

    # -------------------------------------------------------------------------------------------

    def _find(self, peer: Peer) -> Link | None:
        """The newest connection with that peer, by its key; by its address where that is all we
        know. An older one may be dead, and we not know it yet."""
        for link in reversed(self._links.values()):
            key = link.channel.public_key
            if peer.public_key is None:
                if link.is_dialled and link.address == peer.address:
                    return link
            elif key == peer.public_key and (link.is_dialled or link.is_proven):
                return link
        return None

    def _key_and_id(self, peer: Peer) -> tuple[bytes, Place] | None:
        """Key and id of the node that has shown that it is at this address."""
        session = self._core.sessions.find(peer.address)
        if session is not None and session.node_id is not None:
            if peer.public_key in (None, session.public_key):
                return session.public_key, session.node_id
        elif peer.id is not None:
            contact = self._core.table.get(peer.id)
            if contact is not None and contact.address == peer.address:
                return contact.public_key, contact.id
        return None

    def _ask_first(self, peer: Peer, stream: Stream, now: Instant) -> None:
        """Have the peer show itself by UDP, then dial; others may have done so meanwhile."""

        def answered(answer: Answer, now: Instant) -> None:
            session = answer.session
            if stream.is_over:
                return
            if session is None or session.node_id is None:
                self._end_soon(stream, StreamEnd.NO_ANSWER, now)
            elif (link := self._find(peer._replace(public_key=session.public_key))) is not None:
                self._ask(link, stream, now)
            else:
                self._dial(peer.address, session.public_key, session.node_id, stream, now)

        self._core.ask(peer, Ping(), answered, now)

    def _dial(
        self, address: Address, public_key: bytes, node_id: Place, stream: Stream, now: Instant
    ) -> None:
        core = self._core
        if not self._make_room(now, is_dialled=True):
            self._end_soon(stream, StreamEnd.BUSY, now)
            return
        is_node = core.identity.id is not None and core.is_reached
        try:
            end = channel.dial(
                core.identity, core.network, core.rng, public_key, node_id, is_node=is_node
            )
        except WireError:
            self._end_soon(stream, StreamEnd.NO_ANSWER, now)
            return
        link = self._add(end, address, True, now)
        self._ask(link, stream, now)
        core.emit(Dial(link.number, address))

    def _ask(self, link: Link, stream: Stream, now: Instant) -> None:
        if sum(link.asked for link in self._links.values()) < STREAMS_ASKED_MAX:
            link.ask(stream, now)
        else:
            self._end_soon(stream, StreamEnd.BUSY, now)

    def _add(self, end: channel.Channel, address: Address, is_dialled: bool, now: Instant) -> Link:
        self._last += 1
        link = Link(self, self._last, end, address, is_dialled, now)
        self._links[link.number] = link
        self._core.timers.set(now + LINK_OPEN_SECONDS * SECOND, Timer.BULK, link)
        return link

    def _has_room_for(self, address: Address) -> bool:
        """Whether its subnet has not too many connections."""
        if is_private(address[0]) and self._core.at_home:
            return True
        mine = subnet(address[0])
        accepted = [link for link in self._links.values() if not link.is_dialled]
        return sum(subnet(link.address[0]) == mine for link in accepted) < LINKS_PER_SUBNET_MAX

    def _make_room(self, now: Instant, *, is_dialled: bool) -> bool:
        """Where there are too many connections made that way, the one idle for longest goes."""
        links = [link for link in self._links.values() if link.is_dialled == is_dialled]
        if len(links) < (LINKS_DIALLED_MAX if is_dialled else LINKS_ACCEPTED_MAX):
            return True
        idle = [link for link in links if link.is_proven and link.rests]
        if not idle:
            return False
        self._hang_up(min(idle, key=lambda link: link.used), StreamEnd.BROKEN, now)
        return True

    def _hang_up(self, link: Link, end: StreamEnd, now: Instant) -> None:
        del self._links[link.number]
        self._core.emit(HangUp(link.number))
        link.end(end, now)

    def _end_soon(self, stream: Stream, end: StreamEnd, now: Instant) -> None:
        self._core.timers.set(now, Timer.BULK, (stream, end))


def _accounts(link: Link) -> list[bytes]:
    """On whose account the streams are that we answer there: the peer's, and its subnet's, since
    who is no node gets new keys for nothing."""
    key, host = link.channel.public_key, link.address[0]
    return [key] if is_private(host) else [key, subnet(host)]


def _end_of(link: Link) -> StreamEnd:
    """What the streams of a connection that broke are told."""
    return StreamEnd.BROKEN if link.is_proven else StreamEnd.NO_ANSWER
