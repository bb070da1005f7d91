"""The door for applications: `connect` (asyncio) and `connect_sync` (blocking)."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dave.crypto.identity import client_identity
from dave.crypto.network import Network, network
from dave.edge.addresses import parse_address
from dave.edge.blocking import BlockingDriver, SyncClient
from dave.edge.client import Client
from dave.edge.keyfile import Key
from dave.edge.limits import PORT_DEFAULT
from dave.edge.transport import client_sockets, is_at_home
from dave.edge.udp import UdpSocket
from dave.errors import UsageError
from dave.limits import NETWORK_NAME_DEFAULT
from dave.node.client import Client as Core
from dave.node.requests import Peer
from dave.tuning import DEFAULT, Tuning
from dave.uri import parse_owner

Edges = str | Sequence[str]
"""HOST:PORT, or HOST:PORT#NODEKEY to pin the node's key; one or several."""


@asynccontextmanager
async def connect(
    edge: Edges = "127.0.0.1:1424",
    *,
    key: Key | None = None,
    network: str = NETWORK_NAME_DEFAULT,
    secret: bytes = b"",
    tuning: Tuning = DEFAULT,
) -> AsyncIterator[Client]:
    """A client of the network behind `edge`, as an async context manager.

    key: the owner's, for puts and for gets by bare key. secret: at least 16 bytes, where the
    network has one. tuning: copies, parallel questions, patience; see Tuning. Nothing is sent
    before the first verb.

    Raises UsageError for an edge, name, secret or tuning that cannot be, NetworkError for a host
    name that does not resolve.
    """
    from dave.edge.aio import Runner

    core, sockets = client_core(edge, _network(network, secret), tuning)
    runner = Runner(core, sockets)
    client = Client(runner, key)
    try:
        try:
            yield client
        finally:
            await client.finish()
    finally:
        runner.close()


def connect_sync(
    edge: Edges = "127.0.0.1:1424",
    *,
    key: Key | None = None,
    network: str = NETWORK_NAME_DEFAULT,
    secret: bytes = b"",
    tuning: Tuning = DEFAULT,
) -> SyncClient:
    """As `connect`, with blocking verbs: `with dave.connect_sync(...) as d: d.get("greeting")`."""
    driver = BlockingDriver(*client_core(edge, _network(network, secret), tuning))
    return SyncClient(Client(driver, key), driver)


def client_core(edge: Edges, of: Network, tuning: Tuning = DEFAULT) -> tuple[Core, list[UdpSocket]]:
    """A client's core with a fresh session key, and its sockets."""
    rng = random.SystemRandom()
    texts = [edge] if isinstance(edge, str) else list(edge)
    if not texts:
        raise UsageError("no edge to talk to: give HOST:PORT")
    peers = [parse_edge(text) for text in texts]
    core = Core(client_identity(rng.randbytes(32)), of, rng, peers, tuning)
    sockets = client_sockets()
    core.at_home = is_at_home(sockets, [peer.address for peer in peers])
    return core, sockets


def parse_edge(text: str) -> Peer:
    """HOST:PORT or HOST:PORT#NODEKEY, as somebody to ask."""
    where, hash_sign, pin = text.partition("#")
    address = parse_address(where, PORT_DEFAULT)
    return Peer(address, parse_owner(pin, "a node's key") if hash_sign else None)


_network = network
