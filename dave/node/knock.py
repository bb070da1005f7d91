"""Can others get through to an address at which no node runs yet? What `dave doctor` asks.

It goes the way of a node that comes (newcomers.py): it shows itself to an edge as a node, and asks
to be dialled. Then a node that it never wrote to tries to reach it. That it does is the answer: its
packet is counted and dropped, so that nobody takes this for a node and hands it out.
"""

from collections.abc import Sequence

from dave.crypto.identity import Identity
from dave.crypto.network import Network
from dave.names import Address, Instant, Rng
from dave.node.client import Client
from dave.node.requests import Answer, Peer
from dave.peers.subnets import is_private
from dave.wire.messages import GetMyAddrPort, GetMyAddrPortAck


class Knock(Client):
    """The synchronous core. `identity` is a node's, made for this alone."""

    def __init__(
        self, identity: Identity, network: Network, rng: Rng, edges: Sequence[Peer]
    ) -> None:
        assert identity.id is not None
        super().__init__(identity, network, rng, edges)
        self._wrote = frozenset(edge.address for edge in edges)
        self.seen: Address | None = None
        """Where an edge sees us."""
        self.callers = 0
        """Packets of those that we never wrote to; whatever they say, they got through."""
        self._operation = 0

    @property
    def is_private(self) -> bool:
        """Whether an edge sees us at a private address: then nobody far away could dial it, and
        none is asked to."""
        return self.seen is not None and is_private(self.seen[0])

    def start(self, now: Instant) -> int:
        """Show ourselves to the edges, and ask to be dialled. The operation whose number this
        returns is resolved once somebody has, or once it is known that nobody could."""
        self._operation = self.next_operation()
        for edge in self.edges:
            # Only once a session stands is our address proved, and are others asked to dial it.
            self.ask(edge, GetMyAddrPort(), self._told, now)
        self.settle(now)
        return self._operation

    def receive_datagram(self, data: bytes, address: Address, now: Instant) -> None:
        """Whoever we never wrote to has reached us."""
        if address in self._wrote:
            super().receive_datagram(data, address, now)
        else:
            self.callers += 1
            if self.callers == 1:
                self.resolve(self._operation, None)

    def _told(self, answer: Answer, now: Instant) -> None:
        session = answer.session
        if session is None or not isinstance(answer.reply, GetMyAddrPortAck):
            return
        self.seen = answer.reply.address
        if self.is_private:
            self.resolve(self._operation, None)
        else:
            peer = Peer(session.address, session.public_key)
            self.ask(peer, GetMyAddrPort(dial=True), _heard, now)


def _heard(_answer: Answer, _now: Instant) -> None:
    return None
