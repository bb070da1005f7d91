"""A short life with everything in it: the faults are drawn by the seed, the invariants are not.

Loss, doubling, reordering and replays; clocks that are off by minutes; disks that are slow; nodes
that are killed and come back; one that withholds, or hides updates. Clients write few keys often
and read them. Each seed draws which of the faults exist, so that a rare pair of them meets now and
then (swarm testing, Groce et al., ISSTA 2012). `seeds` does that for many seeds in a row.
"""

from random import Random

from dave.crypto.network import network
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.world import World
from sim.adversaries import StaleAnswerer, Withholder
from sim.checks import (
    acknowledged_not_committed,
    lost,
    regressions,
    stored_twice,
    tables_over_limit,
    unsigned_read,
)
from sim.figures import Figure, exactly
from sim.history import History

ROUNDS = 12
ROUNDS_LONG = 2100
"""About 10,000 operations."""
KEYS = 4
CLIENTS = 3
SECRET = b"a simulated secret"
SEEDS = 20
SEEDS_FULL = 200


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """One life; at least 5 nodes."""
    return _run(seed, nodes, ROUNDS)


def run_long(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """One long life."""
    return _run(seed, nodes, ROUNDS_LONG)


def _run(seed: int, nodes: int, rounds: int) -> tuple[World, list[Figure]]:
    world = World(seed, network("mixed", SECRET))
    rng = Random(world.rng.getrandbits(64))
    honest = _nodes(world, rng, nodes)
    world.run(10)
    world.links.default = _link(rng)
    history = History(world)
    _live(world, rng, honest, history, rounds)
    world.links.default = Link()
    for host in honest:
        if not host.is_up:
            world.restart(host)
    world.run(180)
    told = [(w.entry, w.result) for w in history.written]
    by_honest = {host.address for host in honest}
    for _, result in told:
        result.outcomes = [o for o in result.outcomes if o.address in by_honest]
    kept = [entry for entry, result in told if any(o.stored for o in result.outcomes)]
    return world, [
        exactly("acknowledged, not committed", acknowledged_not_committed(world, told), 0),
        exactly("acknowledged by an honest node, lost", lost(world, kept), 0),
        exactly("stored twice", stored_twice(world), 0),
        exactly("tables that do not empty", tables_over_limit(world), 0),
        exactly("unsigned values read", unsigned_read(history), 0),
        exactly("reads older than what the client knew", regressions(history), 0),
        Figure("puts with a quorum", sum(w.result.has_quorum for w in history.written)),
        Figure("puts", len(history.written)),
        Figure("gets", len(history.read)),
        Figure("operations abandoned by a crash", history.abandoned),
    ]


def run_seeds(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """20 lives, from `seed` on."""
    return _run_seeds(seed, nodes, SEEDS)


def run_all_seeds(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """200 lives, from `seed` on."""
    return _run_seeds(seed, nodes, SEEDS_FULL)


def _run_seeds(seed: int, nodes: int, count: int) -> tuple[World, list[Figure]]:
    last, violated = World(seed), []
    puts = gets = 0.0
    for one in range(seed, seed + count):
        world, figures = run(one, nodes)
        world.note(last.trace_hash().encode())
        last = world
        values = {figure.name: figure.value for figure in figures}
        puts += values["puts"]
        gets += values["gets"]
        violated += [
            figure._replace(name=f"seed {one}: {figure.name}")
            for figure in figures
            if figure.ok is False
        ]
    return last, [
        exactly("violated invariants", len(violated), 0),
        Figure("seeds", count),
        Figure("puts in all", puts),
        Figure("gets in all", gets),
        *violated,
    ]


def _nodes(world: World, rng: Random, count: int) -> list[Host]:
    """The honest ones; one in four worlds has one that lies beside them."""
    is_skewed, is_slow = rng.random() < 0.5, rng.random() < 0.5
    for _ in range(count):
        world.add_nodes(
            1,
            skew_ms=rng.randrange(-240_000, 240_000) if is_skewed else 0,
            commit_ms=rng.choice((2.0, 20.0, 200.0)) if is_slow else 2.0,
        )
    honest = list(world.nodes)
    if rng.random() < 0.25:
        world.add_nodes(1, make=rng.choice((Withholder, StaleAnswerer)))
    return honest


def _link(rng: Random) -> Link:
    def share(most: float) -> float:
        return rng.random() * most if rng.random() < 0.5 else 0.0

    return Link(
        delay_ms=rng.choice((1, 10, 60)),
        jitter_ms=rng.choice((1, 10)),
        loss=share(0.15),
        duplication=share(0.3),
        reordering=share(0.3),
        replay=share(0.3),
    )


def _live(world: World, rng: Random, honest: list[Host], history: History, rounds: int) -> None:
    owner = world.owner()
    clients = [world.add_client([honest[rng.randrange(len(honest))]]) for _ in range(CLIENTS)]
    crashes = rng.random() < 0.5
    for turn in range(rounds):
        for number, client in enumerate(clients):
            key = b"%d" % rng.randrange(KEYS)
            entry = owner.entry(key, b"%d %d" % (turn, number), world.time(turn * 8 + number))
            if rng.random() < 0.6:
                history.put(client, entry, 8)
            # All of R, so that one who missed an update cannot be the whole answer.
            history.get(client, entry.id, 8, quorum=0)
            world.run(rng.random() * 0.2)
        victim = honest[rng.randrange(len(honest))]
        if crashes and rng.random() < 0.3:
            if victim.is_up:
                world.kill(victim)
            else:
                world.restart(victim)
        history.collect()
        down = [host for host in honest if not host.is_up]
        if len(down) > 1:
            world.restart(down[0])
