"""What differs from production is memory, and nothing else."""

from dave.node.client import Client
from dave.node.node import Node
from dave.testing.lean import RATE_SLOTS, LeanClient, LeanNode
from dave.testing.world import World


def test_worlds_are_made_of_lean_hosts():
    world = World(1)
    assert type(world.add_node().core) is LeanNode
    assert type(world.add_client().core) is LeanClient
    assert len(world.nodes[0].core.limiter._full) == RATE_SLOTS < Node.rate_slots


def test_nothing_but_the_slots_differs():
    for lean, real in ((LeanNode, Node), (LeanClient, Client)):
        assert lean.__bases__ == (real,)
        names = {name for name in vars(lean) if not name.startswith("__")}
        assert names == {"rate_slots"}
