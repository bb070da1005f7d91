"""Many nodes in one process, each with a core and a socket of its own and nothing on disk: company
for a node that is measured. They know each other from the start.

`NETWORK COUNT` prints HOST:PORT of the first once all are bound; ends on SIGTERM. The network has a
secret, as their keys would else take a second of work for ten.
"""

import asyncio
import os
import random
import signal
import sys

from dave.crypto.network import Network, network
from dave.edge.aio import Runner
from dave.edge.keyfile import make_node_key
from dave.edge.udp import UdpSocket
from dave.effects import Append, NodeEffect, Verify
from dave.limits import CAPACITY_BYTES_MIN
from dave.node.node import Node
from dave.peers.contact import Contact
from dave.store.store import Store


class Light(Node):
    """A core with a small rate table, since there are many."""

    rate_slots = 256


class Memory:
    """Says at once that all is genuine and committed."""

    core: Light
    runner: Runner

    def carry_out(self, effect: NodeEffect) -> None:
        """Answer an effect."""
        now = self.runner.now()
        if isinstance(effect, Verify):
            self.core.verified(effect.ticket, True, now)
        else:
            assert isinstance(effect, Append), "no node here keeps shares"
            self.core.appended(effect.ticket, True, now)

    def settle(self) -> None:
        """Nothing is left to do."""


def make(net: Network) -> Memory:
    """One more node, which listens."""
    sock = UdpSocket.bind("127.0.0.1", 0)
    identity = make_node_key(net.node_work_bits).identity()
    assert identity.id is not None
    rng = random.Random(os.urandom(16))
    store = Store(identity.id, net, CAPACITY_BYTES_MIN, rng.getrandbits(64))
    core = Light(identity, net, rng, store, start_count=1, journal_id=rng.randbytes(16))
    core.at_home = True
    worker = Memory()
    worker.core, worker.runner = core, Runner(core, [sock], worker)
    return worker


def contact(node: Memory) -> Contact:
    """A node, as others know it."""
    identity, address = node.core.identity, node.runner.sockets[0].address
    assert identity.id is not None
    return Contact(identity.public_key, identity.nonce, address, identity.id)


SECRET = b"a secret of a bench"


async def main(name: str, count: int) -> None:
    """All of them, until told to end."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    net = network(name, SECRET)
    nodes = [make(net) for _ in range(count)]
    for node in nodes:
        now = node.runner.now()
        for other in random.sample(nodes, count):
            if other is not node:
                node.core.table.add(contact(other), now)
        node.core.start(now)
        node.runner.flush()
    print("{}:{}".format(*nodes[0].runner.sockets[0].address), flush=True)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
