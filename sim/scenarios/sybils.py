"""45 Sybils stand nearer to a key than any honest node: still it is written and read.

That is the attack on IPFS of Sridhar et al. (NDSS 2024), where the 20 nearest nodes are all that
count. The Sybils say STORED, keep nothing, and name only each other. A write has succeeded if an
honest node holds the version, a read if it returns it; each is done by a client of its own, which
knows one honest node.
"""

from dave.crypto.network import network
from dave.names import place_of
from dave.node.results import Found
from dave.testing.host import Host
from dave.testing.owner import Owner
from dave.testing.world import World
from sim.adversaries import Ring, grind, grinding_hashes, member_of
from sim.checks import copies, unsigned_read
from sim.figures import Figure, at_least, exactly
from sim.history import History

SYBILS = 45
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Two keys, 10 writes and reads of each."""
    return _run(seed, nodes, 2, 10)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Two keys, 150 writes and reads of each."""
    return _run(seed, nodes, 2, 150)


def run_many(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Six keys at once, 50 writes and reads of each. Of 400 nodes and their Sybils the Sybils are
    40 %: more than what the goals are meant for, so there are none."""
    world, figures = _run(seed, nodes, 6, 50)
    return world, [figure._replace(goal=None, ok=None) for figure in figures]


def _run(seed: int, nodes: int, keys: int, rounds: int) -> tuple[World, list[Figure]]:
    world = World(seed, network("sybils", SECRET))
    honest = world.add_nodes(nodes)
    owner = world.owner()
    prices = [_crowd(world, owner, b"key %d" % key, honest) for key in range(keys)]
    world.run(90)
    history = History(world)
    written = read = 0
    for turn in range(rounds):
        for key in range(keys):
            is_written, is_read = _round(world, history, owner, b"key %d" % key, turn, honest)
            written += is_written
            read += is_read
    return world, [
        at_least("writes that an honest node holds", written / (keys * rounds), 0.99),
        at_least("reads that return what was written", read / (keys * rounds), 0.99),
        exactly("unsigned values read", unsigned_read(history), 0),
        Figure("nodes, Sybils included", len(world.nodes)),
        Figure("hashes that the ids of 45 Sybils cost in public", min(prices)),
    ]


def _crowd(world: World, owner: Owner, key: bytes, honest: list[Host]) -> float:
    """Place the Sybils around a key; what that would have cost in hashes."""
    place = place_of(owner.entry(key, b"", world.time()).id)
    distance = min(host.node.id ^ place for host in honest)
    ring = Ring()
    for _ in range(SYBILS):
        identity = grind(world.rng, place, distance)
        edge = honest[world.rng.randrange(len(honest))]
        host = world.add_node([edge], identity=identity, make=member_of(ring))
        ring.join(identity, host.address)
        world.run(0.05)
    return SYBILS * grinding_hashes(distance)


def _round(
    world: World, history: History, owner: Owner, key: bytes, turn: int, honest: list[Host]
) -> tuple[bool, bool]:
    entry = owner.entry(key, b"%d" % turn, world.time())
    edges = [honest[world.rng.randrange(len(honest))] for _ in range(2)]
    writer, reader = (world.add_client([edge]) for edge in edges)
    history.put(writer, entry)
    history.collect()
    world.run(1)
    is_written = copies(world, entry) > 0
    history.get(reader, entry.id)
    history.collect()
    result = history.read[-1].result
    for client in (writer, reader):
        world.retire(client)
    return is_written, result.found is Found.FOUND and result.entry == entry
