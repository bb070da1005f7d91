"""What the doctor asks of the network: the edges first, then some nodes that these know.

It goes as a client with a key of its own, so nobody remembers it. Everything is asked at once and
waited for DOCTOR_SECONDS; `network.py` says what the answers mean.
"""

import asyncio
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dave.crypto.identity import client_identity
from dave.crypto.network import Network
from dave.edge.aio import Runner
from dave.edge.connect import parse_edge
from dave.edge.limits import DOCTOR_NODES_MAX, DOCTOR_PINGS, DOCTOR_SECONDS
from dave.edge.transport import client_sockets, is_at_home, source
from dave.edge.udp import UdpSocket, target
from dave.errors import DaveError
from dave.limits import PACKET_BYTES_MAX
from dave.names import MS, SECOND, Address, Instant
from dave.node.client import Client
from dave.node.core import peer_of
from dave.node.requests import Answer, Done, Peer
from dave.session.session import FailReason, Session
from dave.wire.messages import Find, FindAck, GetMyAddrPort, GetMyAddrPortAck, Ping, Pong, Request

PACKET_SIZES = (PACKET_BYTES_MAX, 1372, 1232, 1024, 548)
"""What is tried on the way to an edge. With IPv4 and UDP headers (28 bytes) the second fits PPPoE
and most tunnels, the third IPv6's least MTU, the last IPv4's."""

INITS = 2
"""Packets of each size that are sent."""

_DONT_FRAGMENT = {
    socket.AF_INET: (socket.IPPROTO_IP, 10, 2),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 23, 2),
}
"""Linux's numbers: IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_PMTUDISC_DO."""


class Edge(NamedTuple):
    """What one edge answered."""

    text: str
    """As it was given."""
    address: Address | None = None
    error: str = ""
    """Why there is no address."""
    failure: FailReason | None = None
    """Why there is no session; None if there is one."""
    rtt_ms: float | None = None
    ahead_ms: float | None = None
    """Its clock, compared to ours."""
    asked: int = 0
    answered: int = 0
    """Of single packets sent to it."""
    packet_bytes: int = 0
    """The largest of PACKET_SIZES that reached it, unfragmented."""
    has_tcp: bool = False
    """Whether its TCP port takes connections."""

    @property
    def is_up(self) -> bool:
        """Whether it answered, as a node of our network."""
        return self.address is not None and self.failure is None


class Voice(NamedTuple):
    """Where a node sees us, and where we are ourselves when we talk to it."""

    voter: Address
    seen: Address
    local: Address


class Probes(NamedTuple):
    """All that was asked."""

    edges: list[Edge]
    voices: list[Voice]
    clocks: list[float]
    """How many milliseconds each node's clock is ahead of ours."""


async def probe(edges: Sequence[str], network: Network) -> Probes:
    """Ask these edges, and nodes that they know."""
    found = await asyncio.gather(*(_resolve(text) for text in edges))
    peers = [peer for _, peer in found if peer is not None]
    if not peers:
        return Probes([edge for edge, _ in found], [], [])
    probing = _Probing(network, peers)
    try:
        looked = await asyncio.gather(*(probing.edge(edge, peer) for edge, peer in found))
        await probing.others()
    finally:
        probing.runner.close()
    return Probes(list(looked), probing.voices, list(probing.clocks.values()))


async def _resolve(text: str) -> tuple[Edge, Peer | None]:
    """An edge's address; a name is looked up in a thread."""
    loop = asyncio.get_running_loop()
    try:
        peer = await asyncio.wait_for(loop.run_in_executor(None, parse_edge, text), DOCTOR_SECONDS)
    except TimeoutError:
        return Edge(text, error="its name is not resolved in time"), None
    except DaveError as error:
        return Edge(text, error=str(error)), None
    return Edge(text, peer.address), peer


class _Said(NamedTuple):
    """An answer, and our wall clock when it came."""

    answer: Answer
    unix_ms: float


SILENCE = _Said(Answer(None, None, 0, FailReason.NO_ANSWER), 0.0)


class _Probing:
    """One client's questions."""

    def __init__(self, network: Network, peers: Sequence[Peer]) -> None:
        self._network = network
        self._peers = peers
        self.runner = _runner(network, peers)
        self.voices: list[Voice] = []
        self.clocks: dict[bytes, float] = {}
        """How far each node's clock is ahead, by its key: an edge may be named twice."""

    async def edge(self, edge: Edge, peer: Peer | None) -> Edge:
        """Ask one edge all there is to ask."""
        if peer is None:
            return edge
        first = await _ask(self.runner, peer, Ping())
        session = first.answer.session
        if session is None:
            return edge._replace(failure=first.answer.failure)
        singles, packet_bytes, has_tcp, _ = await asyncio.gather(
            asyncio.gather(*(_ask_once(self.runner, session) for _ in range(DOCTOR_PINGS))),
            self._packets(session),
            _connects(peer.address),
            self._where(peer),
        )
        answered = [said for said in singles if said.answer.session is not None]
        best = min(answered, key=lambda said: said.answer.rtt, default=first)
        self._note_clock(best)
        return edge._replace(
            rtt_ms=best.answer.rtt / MS,
            ahead_ms=self.clocks.get(session.public_key),
            asked=len(singles),
            answered=len(answered),
            packet_bytes=packet_bytes,
            has_tcp=has_tcp,
        )

    async def others(self) -> None:
        """Nodes that the edges know: where they see us, and their clocks."""
        place = random.getrandbits(64)
        found = await asyncio.gather(*(_ask(self.runner, p, Find(place)) for p in self._peers))
        edges = {peer.address for peer in self._peers}
        others: dict[Address, Peer] = {}
        for said in found:
            told = said.answer.reply.contacts if isinstance(said.answer.reply, FindAck) else ()
            for contact in filter(None, map(self.runner.core.learn, told)):
                if contact.address not in edges:
                    others[contact.address] = peer_of(contact)
        chosen = list(others.values())[:DOCTOR_NODES_MAX]
        await asyncio.gather(*(self._other(peer) for peer in chosen))

    async def _other(self, peer: Peer) -> None:
        said = await _ask(self.runner, peer, Ping())
        if said.answer.session is not None:
            self._note_clock(said)
            await self._where(peer)

    def _note_clock(self, said: _Said) -> None:
        answer = said.answer
        if isinstance(answer.reply, Pong) and answer.session is not None:
            then = said.unix_ms - answer.rtt / MS / 2
            self.clocks[answer.session.public_key] = answer.reply.time - then

    async def _where(self, peer: Peer) -> None:
        answer = (await _ask(self.runner, peer, GetMyAddrPort())).answer
        if isinstance(answer.reply, GetMyAddrPortAck) and answer.session is not None:
            local = _local(self.runner.sockets, peer.address)
            self.voices.append(Voice(answer.session.address, answer.reply.address, local))

    async def _packets(self, session: Session) -> int:
        """The largest packet that gets there."""
        passed = await asyncio.gather(
            *(_passes(self._network, session, size) for size in PACKET_SIZES)
        )
        sizes = [size for size, has_passed in zip(PACKET_SIZES, passed, strict=True) if has_passed]
        return max(sizes, default=0)


def _runner(network: Network, peers: Sequence[Peer]) -> Runner:
    """A client, as any other."""
    rng = random.SystemRandom()
    core = Client(client_identity(rng.randbytes(32)), network, rng, peers)
    sockets = client_sockets()
    core.at_home = is_at_home(sockets, [peer.address for peer in peers])
    return Runner(core, sockets)


async def _ask(runner: Runner, peer: Peer, message: Request) -> _Said:
    """The answer to a request, sent as often as it takes."""
    return await _answer(runner, lambda done: runner.core.ask(peer, message, done, runner.now()))


async def _ask_once(runner: Runner, session: Session) -> _Said:
    """The answer to a PING sent a single time."""
    patience = int(DOCTOR_SECONDS * SECOND)
    ask = runner.core.requests.ask_once
    return await _answer(runner, lambda done: ask(session, Ping(), done, runner.now(), patience))


async def _answer(runner: Runner, ask: Callable[[Done], None]) -> _Said:
    said: asyncio.Future[_Said] = asyncio.get_running_loop().create_future()

    def done(answer: Answer, now: Instant) -> None:
        if not said.done():
            said.set_result(_Said(answer, time.time_ns() / MS))

    ask(done)
    runner.flush()
    try:
        return await asyncio.wait_for(said, DOCTOR_SECONDS)
    except TimeoutError:
        return SILENCE


async def _passes(network: Network, node: Session, size: int) -> bool:
    """Whether an INIT of that size, never cut into pieces, leads to a session."""
    runner = _runner(network, [Peer(node.address, node.public_key)])
    try:
        for udp in runner.sockets:
            _forbid_fragments(udp)
        peer = Peer(node.address, node.public_key, node.nonce, node.node_id)
        core = runner.core

        def ask(done: Done) -> None:
            # The PING joins the handshake, and waits for its end.
            core.sessions.connect(
                node.address, runner.now(), node.public_key, node.nonce, b"", size, INITS
            )
            core.requests.ask(peer, Ping(), done, runner.now(), None, INITS)

        return (await _answer(runner, ask)).answer.session is not None
    finally:
        runner.close()


def _forbid_fragments(udp: UdpSocket) -> None:
    """Have the system drop what is too large, here and on the way. Where it cannot, pieces count
    as a packet."""
    if not sys.platform.startswith("linux"):
        return
    family = socket.AF_INET6 if ":" in udp.address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM, fileno=os.dup(udp.fileno())) as same:
        same.setsockopt(*_DONT_FRAGMENT[family])


async def _connects(address: Address) -> bool:
    """Whether a TCP connection comes about, which is closed again at once."""
    try:
        opening = asyncio.open_connection(*target(address)[:2])
        _, writer = await asyncio.wait_for(opening, DOCTOR_SECONDS)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _local(sockets: Sequence[UdpSocket], towards: Address) -> Address:
    """The address that packets towards there have, before any NAT."""
    port = next(
        (udp.address[1] for udp in sockets if (":" in udp.address[0]) == (":" in towards[0])), 0
    )
    return source(towards), port
