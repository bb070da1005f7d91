"""Many nodes in one process, each with a core and a socket of its own and nothing on disk: company
for a node that is measured.

`NETWORK COUNT` prints HOST:PORT of the first once all are bound; ends on SIGTERM.
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
from dave.names import Address
from dave.node.node import Node
from dave.node.requests import Peer
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


def start(net: Network, edges: list[Peer]) -> Address:
    """One more node; where it listens."""
    sock = UdpSocket.bind("127.0.0.1", 0)
    identity = make_node_key(net.node_work_bits).identity()
    assert identity.id is not None
    rng = random.Random(os.urandom(16))
    store = Store(identity.id, net, CAPACITY_BYTES_MIN, rng.getrandbits(64))
    core = Light(identity, net, rng, store, edges, start_count=1, journal_id=rng.randbytes(16))
    core.at_home = True
    worker = Memory()
    worker.core, worker.runner = core, Runner(core, [sock], worker)
    core.start(worker.runner.now())
    worker.runner.flush()
    return sock.address


async def main(name: str, count: int) -> None:
    """All of them, until told to end."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    net = network(name)
    first = start(net, [])
    for _ in range(count - 1):
        start(net, [Peer(first)])
        await asyncio.sleep(0.02)
    print("{}:{}".format(*first), flush=True)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
