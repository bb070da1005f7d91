"""Networks that grew node by node, and fell apart into two sides."""

from collections.abc import Sequence

from dave.testing.host import Host
from dave.testing.world import CAPACITY_BYTES, World


def grow(world: World, nodes: int, capacity: int = CAPACITY_BYTES) -> None:
    """Add nodes of that capacity in bytes, each through one drawn from those before, and let them
    settle."""
    for _ in range(nodes):
        edges = [world.nodes[world.rng.randrange(len(world.nodes))]] if world.nodes else []
        world.add_node(edges, capacity=capacity)
        world.run(0.2)
    world.run(90)


def part(world: World, clients: Sequence[Host]) -> None:
    """Two sides: every second node, and every second client, on each."""
    nodes, names = [host.name for host in world.nodes], [client.name for client in clients]
    world.links.partition([*nodes[::2], *names[::2]], [*nodes[1::2], *names[1::2]])
