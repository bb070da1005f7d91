"""Has an address dialled at which a node is to run: node/knock.py on a real port."""

import asyncio
import random
from contextlib import suppress

from dave.crypto.network import Network
from dave.edge.aio import Runner
from dave.edge.connect import parse_edge
from dave.edge.keyfile import make_node_key
from dave.edge.limits import DOCTOR_DIAL_SECONDS
from dave.edge.listen import bind_listen
from dave.errors import DaveError
from dave.node.knock import Knock


async def dial_back(listen: str, network: Network, edge: str) -> bool | None:
    """Whether others get through to `listen`, by whom this edge has dial it. None where that
    cannot be told: on a private network, or where the port is taken."""
    key = await asyncio.to_thread(make_node_key, network.node_work_bits)
    try:
        bound = bind_listen(listen)
    except DaveError:
        return None
    core = Knock(key.identity(), network, random.SystemRandom(), [parse_edge(edge)])
    runner = Runner(core, bound.udp)
    try:
        operation = core.start(runner.now())
        runner.flush()
        with suppress(TimeoutError):
            await asyncio.wait_for(runner.wait(operation), DOCTOR_DIAL_SECONDS)
        return None if core.seen is None or core.is_private else core.callers > 0
    finally:
        runner.close()
        bound.close()
