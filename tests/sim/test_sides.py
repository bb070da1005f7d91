"""Networks that grow, and fall apart into two sides."""

from dave.testing.world import World
from sim.sides import grow, part


def test_two_sides_do_not_hear_each_other_until_they_are_healed():
    world = World(3)
    grow(world, 6)
    assert all(len(host.node.table) == 5 for host in world.nodes)
    clients = [world.add_client([edge]) for edge in world.nodes[:2]]
    part(world, clients)
    owner = world.owner()
    puts = [
        client.put(owner.entry(b"%d" % number, b"", world.time()), 8)
        for number, client in enumerate(clients)
    ]
    results = world.run_until_resolved(*map(world.settled, puts))
    for side, result in enumerate(results):
        addresses = {host.address for host in world.nodes[side::2]}
        stored = {outcome.address for outcome in result.outcomes if outcome.stored}
        assert stored
        assert stored <= addresses
    assert world.links.cut > 0
