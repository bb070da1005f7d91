"""Many nodes in one process, each with a core and a socket of its own and nothing on disk: company
for a node that is measured.

`NETWORK COUNT` prints HOST:PORT of the first once all are bound; ends on SIGTERM. With `--edge`
they join that one, and with `--around` its table can take all of them: it keeps BUCKET_CONTACTS of
each distance, and chance alone would offer it enough of the near ones only among thousands.
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bench._process import NodeProcess
from dave.crypto.identity import Identity
from dave.crypto.network import Network, network
from dave.edge.aio import Runner
from dave.edge.connect import parse_edge
from dave.edge.keyfile import make_node_key
from dave.edge.udp import UdpSocket
from dave.effects import Append, NodeEffect, Verify
from dave.limits import BUCKET_CONTACTS, CAPACITY_BYTES_MIN
from dave.names import Address, Instant, Place
from dave.node.node import Node
from dave.node.requests import Peer
from dave.session.session import Session
from dave.store.store import Store
from dave.wire.messages import Pong
from dave.wire.promises import Announce, Want

JOIN_SECONDS = 0.05
"""Between two that join: each is dialled by others before it is taken in."""


class Light(Node):
    """A core with a small rate table, since there are many."""

    rate_slots = 256


class Claimant(Light):
    """Says that it holds whatever it is told of, and asks for nothing: one process cannot hold what
    is replicated to 200 nodes. Storage challenges would find out, one peer every ten seconds."""

    def on_pong(self, pong: Pong, session: Session, now: Instant) -> None:
        """No gap is ever seen, so nothing is pulled."""


def claim(announce: Announce, session: Session, now: Instant) -> Want:
    """Answers an ANNOUNCE: all of it is held."""
    return Want(0, (1 << len(announce.versions)) - 1)


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


def start(
    net: Network, edges: list[Peer], identity: Identity, *, is_claimant: bool = False
) -> Address:
    """One more node; where it listens."""
    sock = UdpSocket.bind("127.0.0.1", 0)
    assert identity.id is not None
    rng = random.Random(os.urandom(16))
    store = Store(identity.id, net, CAPACITY_BYTES_MIN, rng.getrandbits(64))
    kind = Claimant if is_claimant else Light
    core = kind(identity, net, rng, store, edges, start_count=1, journal_id=rng.randbytes(16))
    core.at_home = True
    if isinstance(core, Claimant):
        core.replicas.on_announce = claim  # type: ignore[method-assign]
    worker = Memory()
    worker.core, worker.runner = core, Runner(core, [sock], worker)
    core.start(worker.runner.now())
    worker.runner.flush()
    return sock.address


class Around:
    """Draws identities of which the node of that id, if any, can keep all in its table."""

    def __init__(self, net: Network, node_id: Place | None) -> None:
        self._net = net
        self._node_id = node_id
        self._drawn: Counter[int] = Counter()

    def draw(self) -> Identity:
        """One more."""
        while True:
            identity = make_node_key(self._net.node_work_bits).identity()
            if self._node_id is None:
                return identity
            assert identity.id is not None
            distance_bits = (identity.id ^ self._node_id).bit_length()
            if self._drawn[distance_bits] < BUCKET_CONTACTS:
                self._drawn[distance_bits] += 1
                return identity


@contextmanager
def company(
    node: NodeProcess, network: str, secret: bytes, count: int, *options: str
) -> Iterator[None]:
    """So many of them around a node, in a process of their own."""
    command = [sys.executable, "-m", "bench._light_nodes", network, str(count)]
    command += ["--secret", secret.decode(), "--edge", node.host_port]
    command += ["--around", node.status()["id"], *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as others:
        try:
            assert others.stdout is not None
            others.stdout.readline()
            yield
        finally:
            others.kill()  # they may have much to do still, and keep nothing
            others.wait()


async def main(options: argparse.Namespace) -> None:
    """All of them, until told to end."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    net = network(options.network, options.secret.encode())
    around = Around(net, options.around)
    edges = [] if options.edge is None else [parse_edge(options.edge)]
    is_claimant = options.claimants
    first = start(net, edges, around.draw(), is_claimant=is_claimant)
    edges = edges or [Peer(first)]
    for _ in range(options.count - 1):
        start(net, edges, around.draw(), is_claimant=is_claimant)
        await asyncio.sleep(JOIN_SECONDS)
    print("{}:{}".format(*first), flush=True)
    await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("network")
    parser.add_argument("count", type=int)
    parser.add_argument("--secret", default="")
    parser.add_argument("--edge")
    parser.add_argument("--around", type=lambda text: int(text, 16), metavar="ID")
    parser.add_argument("--claimants", action="store_true", help="say that they hold everything")
    asyncio.run(main(parser.parse_args()))
