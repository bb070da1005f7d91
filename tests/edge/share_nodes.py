"""Real nodes that keep shares in a dictionary: in this process, or each in one of its own.

python -m tests.edge.share_nodes FOLDER [EDGE]     prints its address, runs until killed
"""

import asyncio
import sys

import dave
from dave.limits import HALF_LIFE_DAYS
from dave.store.shares import ShareIndex
from tests.node.sharing import CAPACITY, SHARE_EFFECTS, ShareDisk

NETWORK = {"network": "shares", "secret": b"sixteen bytes ok"}


def config(folder, *edges):
    return dave.Config(listen="127.0.0.1:0", edges=edges, data=folder, **NETWORK)


def keep_shares(node, disk):
    """Have a node that runs take in shares, and keep them in `disk`."""
    core, world = node.core, node._world
    half_life_ms = HALF_LIFE_DAYS * 86_400_000
    core.serve_shares(ShareIndex(core.id, CAPACITY, core.network, half_life_ms))
    carry_out = world.carry_out

    def carry_out_all(effect):
        if not isinstance(effect, SHARE_EFFECTS):
            carry_out(effect)
        elif (result := disk.carry_out(effect)) is not ...:
            core.share_answered(effect.ticket, result, node._runner.now())

    world.carry_out = carry_out_all


async def _main(folder, *edges):
    async with dave.Node(config(folder, *edges)) as node:
        keep_shares(node, ShareDisk())
        print(node.address, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(_main(*sys.argv[1:]))
    else:
        uvloop.run(_main(*sys.argv[1:]))
