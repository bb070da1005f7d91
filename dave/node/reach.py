"""Can others reach us, and where?

A node asks its edges where they see it: that is its own address, and tells whether it is at home.
With a public one it has itself dialled before it writes to anybody else (GETMYADDRPORT with
`dial`), and knows that it was reached when an INIT arrives from a node that it never wrote to, or
when a peer that it asked probes it, having heard of somebody who got through. If nothing comes
within REACH_SECONDS it runs as a client: its INITs say so, nobody enters it, `status` tells. It
tries again, at intervals that grow up to an hour.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dave.limits import (
    PROVEN_MAX,
    REACH_AGAIN_SECONDS_FIRST,
    REACH_AGAIN_SECONDS_MAX,
    REACH_PEERS,
    REACH_SECONDS,
)
from dave.names import SECOND, Address, Instant
from dave.node.core import peer_of
from dave.node.requests import Answer, Peer
from dave.node.timers import Timer
from dave.peers.own_address import OwnAddress
from dave.peers.subnets import is_private
from dave.session.session import Session
from dave.wire.messages import GetMyAddrPort, GetMyAddrPortAck

if TYPE_CHECKING:
    from dave.node.node import Node


class Reach:
    """What a node knows of its own place in the network."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self.own = OwnAddress()
        self._wrote: dict[Address, None] = {}
        """Whom we wrote to, the last PROVEN_MAX: what they send us proves nothing."""
        self._asked: dict[Address, None] = {}
        """Peers that are having us dialled."""
        self._attempt = 0
        self._again_seconds = REACH_AGAIN_SECONDS_FIRST
        self.is_open = False
        """An attempt has begun, and nobody got through yet."""

    @property
    def is_waiting(self) -> bool:
        """Whether somebody is having us dialled: until that ends, whoever we write to could not
        be of use any more."""
        return self.is_open and bool(self._asked) and self._node.is_reached

    def start(self, now: Instant) -> None:
        """Ask the edges where they see us, and to have us dialled; beside them somebody whom an
        earlier process knew, since all edges may be gone."""
        remembered = [peer_of(contact) for contact in self._node.table.lost(now)[:REACH_PEERS]]
        first, others = self._node.edges[: REACH_PEERS - 1], self._node.edges[REACH_PEERS - 1 :]
        self._begin([*first, *remembered, *others], now)

    def wrote(self, address: Address) -> None:
        """We are writing to a peer."""
        if not self._node.at_home:
            self._wrote.pop(address, None)
            self._wrote[address] = None
            if len(self._wrote) > PROVEN_MAX:
                del self._wrote[next(iter(self._wrote))]

    def came(self, session: Session, now: Instant) -> None:
        """An INIT arrived."""
        if self.is_open and session.node_id is not None and session.address not in self._wrote:
            self._reached(now)

    def pinged(self, session: Session, now: Instant) -> None:
        """A PING arrived. Who has us dialled probes us when somebody got through, or when there is
        nobody who could be asked."""
        if self.is_open and session.address in self._asked:
            self._reached(now)

    def ask_address(self, peer: Peer, now: Instant,
                    at_home: Callable[[Instant], None] | None = None) -> None:  # fmt: skip
        """Ask a peer where it sees us; `at_home` is called if that is a private address."""

        def answered(answer: Answer, now: Instant) -> None:
            self._told(answer, now)
            if at_home is not None and self._node.at_home:
                at_home(now)

        self._node.ask(peer, GetMyAddrPort(), answered, now)

    def ask_some(self, now: Instant) -> None:
        """Ask some contacts where they see us: a voice each."""
        for peer in self._some():
            self.ask_address(peer, now)

    def on_timer(self, attempt: int, now: Instant) -> None:
        """By now somebody should have got through, or it is time to try again."""
        if attempt != self._attempt:
            return
        node = self._node
        if not self.is_open:
            peers = self._some()
            if not node.is_reached:  # they are to meet us as a node
                for peer in peers:
                    node.sessions.forget(peer.address)
                node.sessions.go_as(is_node=True)
            self._begin(peers, now)
            return
        self.is_open = False
        if node.at_home:
            return
        if self._asked:
            node.is_reached = False
            for address in self._asked:  # to these as well
                node.sessions.forget(address)
            node.joining.soon(now)
        node.sessions.go_as(is_node=node.is_reached)
        self._again(now)

    def _again(self, now: Instant) -> None:
        self._attempt += 1
        self._node.timers.set(now + self._again_seconds * SECOND, Timer.REACH, self._attempt)
        self._again_seconds = min(4 * self._again_seconds, REACH_AGAIN_SECONDS_MAX)

    def _begin(self, peers: list[Peer], now: Instant) -> None:
        """An attempt: the address first, which opens a session and proves ours to the peer."""
        node = self._node
        if not peers:
            node.sessions.go_as(is_node=node.is_reached)
            return self._again(now) if not node.is_reached else None
        self._attempt += 1
        self.is_open = True
        self._asked.clear()
        node.timers.set(now + REACH_SECONDS * SECOND, Timer.REACH, self._attempt)
        for peer in peers[:REACH_PEERS]:
            node.ask(peer, GetMyAddrPort(), self._found_peer, now)
        return None

    def _found_peer(self, answer: Answer, now: Instant) -> None:
        self._told(answer, now)
        session = answer.session
        if session is None or not self.is_open:
            return
        if self._node.at_home:
            self._reached(now)
            return
        self._asked[session.address] = None
        peer = Peer(session.address, session.public_key)
        self._node.ask(peer, GetMyAddrPort(dial=True), self._told, now)

    def _told(self, answer: Answer, now: Instant) -> None:
        """A peer said where it sees us."""
        if answer.session is not None and isinstance(answer.reply, GetMyAddrPortAck):
            self.own.told(answer.session.address, answer.reply.address)
            if self.own.value is not None:
                self._node.at_home = is_private(self.own.value[0])

    def _reached(self, now: Instant) -> None:
        """Somebody got through: we are a node, and take part."""
        self.is_open = False
        self._attempt += 1
        self._again_seconds = REACH_AGAIN_SECONDS_FIRST
        node = self._node
        if not node.is_reached:
            node.is_reached = True
            # Who knows us as a client is to meet the node.
            for contact in node.table:
                node.sessions.forget(contact.address)
        node.sessions.go_as(is_node=True)
        node.joining.soon(now)

    def _some(self) -> list[Peer]:
        """REACH_PEERS contacts drawn at random, or the edges."""
        contacts = list(self._node.table)
        drawn: list[Peer] = []
        while contacts and len(drawn) < REACH_PEERS:
            drawn.append(peer_of(contacts.pop(self._node.rng.randrange(len(contacts)))))
        return drawn or list(self._node.edges)
