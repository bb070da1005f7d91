"""Nodes come and go with a half-life of an hour: nothing is lost, and nearly always all is there.

Half of the dead return with their disk after ten minutes on average, the others are replaced by
newcomers. Entries are put into a calm network first. Every ten minutes it is counted how many have
a living copy, and a sample is read by a node drawn at random; a read counts if it returns the entry
within five seconds.
"""

from dave.crypto.network import network
from dave.node.results import Found
from dave.testing.world import World
from dave.wire.entry import Entry
from sim.checks import copies, lost, unsigned_read
from sim.churn import Churn
from sim.figures import Figure, at_least, exactly
from sim.history import History

HALF_LIFE_MINUTES = 60
LOOK_MINUTES = 10
TTL_SECONDS = 30 * 86_400
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Two hours, 100 entries."""
    return _run(seed, nodes, hours=2, entries=100, sample=50)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Two days, 3,000 entries."""
    return _run(seed, nodes, hours=48, entries=3000, sample=300)


def run_evening(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Four hours, 3,000 entries: what a machine does in half an hour."""
    return _run(seed, nodes, hours=4, entries=3000, sample=300)


def run_large(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Six hours, 3,000 entries, for many nodes."""
    return _run(seed, nodes, hours=6, entries=3000, sample=300)


def _run(
    seed: int, nodes: int, *, hours: float, entries: int, sample: int
) -> tuple[World, list[Figure]]:
    world = World(seed, network("churn", SECRET))
    world.add_nodes(nodes)
    world.run(60)
    history = History(world)
    kept = _put(world, history, entries)
    world.run(60)
    churn = Churn(world, HALF_LIFE_MINUTES)
    churn.start()
    found = asked = 0
    least_alive = 1.0
    for look in range(1, int(hours * 60 / LOOK_MINUTES) + 1):
        world.run(LOOK_MINUTES * 60)
        alive = _share_alive(world, kept)
        least_alive = min(least_alive, alive)
        sampled = world.rng.sample(kept, min(sample, len(kept)))
        answers = _read(world, history, sampled)
        found += sum(answers)
        asked += len(answers)
        hour = look * LOOK_MINUTES / 60
        world.record("entries with a living copy", hour, alive)
        world.record("sampled entries read", hour, sum(answers) / max(len(answers), 1))
    churn.stop()
    world.run(600)
    return world, [
        exactly("entries lost", lost(world, kept), 0),
        at_least("availability: sampled entries read", found / max(asked, 1), 0.999),
        exactly("unsigned values read", unsigned_read(history), 0),
        Figure("least share of entries with a living copy", least_alive),
        Figure("mean copies at the end", _mean_copies(world, kept)),
        Figure("entries put with a quorum", len(kept)),
        Figure("reads", asked),
        Figure("nodes that died", churn.died),
        Figure("nodes that returned", churn.returned),
        Figure("nodes that came", churn.came),
    ]


def _put(world: World, history: History, count: int) -> list[Entry]:
    owner = world.owner()
    for number in range(count):
        entry = owner.entry(b"%d" % number, b"value %d" % number, world.time(), TTL_SECONDS)
        history.put(world.any_node(world.rng), entry)
        world.run(0.05)
        if number % 100 == 99:
            history.collect()
    history.collect()
    return [written.entry for written in history.written if written.result.has_quorum]


def _read(world: World, history: History, entries: list[Entry]) -> list[bool]:
    """Whether each is read. Those whose reader dies meanwhile are left out."""
    history.read.clear()
    wanted = {entry.id: entry for entry in entries}
    for entry in entries:
        history.get(world.any_node(world.rng), entry.id)
        world.run(0.1)
    history.collect()
    return [
        read.result.found is Found.FOUND and read.result.entry == wanted[read.entry_id]
        for read in history.read
    ]


def _share_alive(world: World, entries: list[Entry]) -> float:
    return sum(copies(world, entry) > 0 for entry in entries) / max(len(entries), 1)


def _mean_copies(world: World, entries: list[Entry]) -> float:
    return sum(copies(world, entry) for entry in entries) / max(len(entries), 1)
