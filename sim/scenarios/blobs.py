"""Stripes of files outlive their holders: as many nodes die at once as no stripe may lose more of.

Twice that, then a holder that boasts of shares which it has not got, then the dead come back. Goal:
every stripe whole again after each, without a key, and at most (k + 1) bytes moved for each byte
that was lost; and next to nothing sent where all is well.
"""

from collections.abc import Sequence

from dave.crypto.network import network
from dave.files.code import default_code
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.world import World
from sim import stripes
from sim.figures import Figure, at_least, at_most, exactly
from sim.stripes import Stripe

TTL_SECONDS = 30 * 86_400
BLOB_CAPACITY = 1 << 30
SHARE_BYTES = 20_000
SHARE_BYTES_FULL = 262_144
AT_REST_SECONDS = 900
WHOLE_SECONDS = 1200
BOAST_SECONDS = 3600
STEP_SECONDS = 20
IDLE_BYTES = 200
"""That a node sends a second for the sake of its shares, beside leaves of 16 KiB."""
SECRET = b"a simulated secret"


def run(
    seed: int, nodes: int, count: int = 12, share_bytes: int = SHARE_BYTES
) -> tuple[World, list[Figure]]:
    """At least 8 nodes, `count` stripes of the code that so many nodes take."""
    world = World(seed, network("blobs", SECRET), Link(delay_ms=20, jitter_ms=10))
    for _ in range(nodes):
        edges = [world.any_node(world.rng)] if world.nodes else []
        world.add_node(edges, blob_capacity=BLOB_CAPACITY)
        world.run(0.2)
    world.run(90)
    quiet = _sent(world, AT_REST_SECONDS) / nodes / AT_REST_SECONDS
    code, owner, client = default_code(nodes // 2), world.owner(), world.add_client()
    made = [stripes.make(world, owner, code, share_bytes, TTL_SECONDS) for _ in range(count)]
    stored = sum(stripes.put(world, client, stripe) for stripe in made)
    world.run(60)
    shown = _leaves(world)
    spent = _sent(world, AT_REST_SECONDS)
    spent -= _leaves(world) - shown
    figures = [
        Figure("k", code.k),
        Figure("n", code.n),
        exactly("shares stored", stored, code.n * count),
        exactly("stripes whole", stripes.whole(world, made), count),
        exactly("stripes mended at rest", _mended(world), 0),
        at_most("bytes/s a node sends for shares at rest", spent / nodes / AT_REST_SECONDS - quiet,
                IDLE_BYTES),
    ]  # fmt: skip
    dead: list[Host] = []
    for turn in ("first", "second"):
        dying = stripes.deaths(world, made)
        figures += _survive(world, made, dying, f"{turn} deaths")
        dead += dying
        if len([host for host in world.nodes if host.is_up]) < code.n + code.n - code.k:
            break
    figures += _boast(world, made)
    for host in dead:
        world.restart(host)
    world.run(WHOLE_SECONDS)
    figures.append(
        exactly("stripes whole when the dead are back", stripes.whole(world, made), count)
    )
    return world, figures


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """Shares of the size that files have."""
    return run(seed, nodes, 40, SHARE_BYTES_FULL)


def _survive(
    world: World, made: Sequence[Stripe], dying: Sequence[Host], name: str
) -> list[Figure]:
    """These nodes die at once."""
    k, n = made[0].record.k, made[0].record.n
    for host in dying:
        world.kill(host)
    missing = [[i for i in range(n) if not stripes.holders(world, each, i)] for each in made]
    lost = sum(each.record.size(i) for each, gone in zip(made, missing, strict=True) for i in gone)
    moved = _moved(world)
    took = _until_whole(world, made, WHOLE_SECONDS)
    return [
        Figure(f"{name}: nodes", len(dying)),
        Figure(f"{name}: shares lost", sum(map(len, missing))),
        exactly(f"{name}: stripes whole again", stripes.whole(world, made), len(made)),
        at_most(f"{name}: seconds until then", took, WHOLE_SECONDS),
        at_most(f"{name}: bytes moved / bytes lost", (_moved(world) - moved) / max(lost, 1), k + 1),
    ]


def _boast(world: World, made: Sequence[Stripe]) -> list[Figure]:
    """The node that holds most says to hold all, and has lost its disk."""
    living = [host for host in world.nodes if host.is_up]
    liar = max(living, key=lambda host: len(host.shares.shares) if host.shares else 0)
    assert liar.shares is not None
    assert liar.node.upkeep is not None
    liar.node.upkeep.prover.on_damaged = lambda address, now: None
    liar.shares.shares.clear()
    took = _until_whole(world, made, BOAST_SECONDS, 1)
    whole = stripes.whole(world, made, 1)
    others = [host for host in living if host is not liar]
    scores = [host.node.trust.evidence(liar.node.id) for host in others]
    noticed = sum(each is not None and each.broken > 0 for each in scores)
    world.kill(liar)
    return [
        exactly("stripes whole beside one that boasts", whole, len(made)),
        at_most("seconds until then", took, BOAST_SECONDS),
        at_least("nodes that trust it less", noticed, 1),
    ]


def _until_whole(world: World, made: Sequence[Stripe], limit: float, unfit: int = 0) -> float:
    took = 0.0
    while stripes.whole(world, made, unfit) < len(made) and took < limit:
        world.run(STEP_SECONDS)
        took += STEP_SECONDS
    return took


def _sent(world: World, seconds: float) -> int:
    """Bytes that all send in that time."""
    before = sum(host.sent_bytes for host in world.nodes) + world.pipes.carried
    world.run(seconds)
    return sum(host.sent_bytes for host in world.nodes) + world.pipes.carried - before


def _leaves(world: World) -> int:
    """Bytes of leaves that were shown."""
    return sum(host.node.upkeep.audits.leaf_bytes for host in world.nodes if host.node.upkeep)


def _mended(world: World) -> int:
    return sum(host.node.upkeep.repair.mended for host in world.nodes if host.node.upkeep)


def _moved(world: World) -> int:
    """Bytes of shares fetched and placed by the nodes that run."""
    running = [host.node for host in world.nodes if host.is_up]
    return sum(node.upkeep.repair.moved for node in running if node.upkeep is not None)
