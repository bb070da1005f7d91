"""Four devices of one owner write and delete the same keys at once, and their clocks differ.

Each dates what it writes by its own clock, up to two minutes off, and looks at nothing before. A
partition comes in between, and nodes restart. Soon after, the R nearest nodes hold the maximum of
the order over all that any node has taken, and after the next sweep so does every other node that
holds anything: no deletion is lost, nothing deleted comes back. A fifth device, ten minutes ahead,
is refused by every node, which tells by how much.
"""

from dave.crypto.network import network
from dave.limits import CLOCK_AHEAD_MS_MAX, SWEEP_SECONDS
from dave.names import hybrid_ms, hybrid_time
from dave.node.results import Found
from dave.testing.links import Link
from dave.testing.owner import Owner
from dave.testing.world import World
from dave.wire.entry import Entry, order
from dave.wire.status import PutStatus
from sim.checks import unsigned_read, wrong_copies
from sim.figures import Figure, at_most, exactly
from sim.history import History
from sim.scenarios.sync import lacking
from sim.sides import part

SKEWS_MS = (-120_000, -30_000, 30_000, 120_000)
FAR_AHEAD_MS = 600_000
DELETES = 0.3
SETTLE_SECONDS = 180
SECRET = b"a simulated secret"


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """6 keys, 20 rounds."""
    return _run(seed, nodes, keys=6, rounds=20)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """50 keys, 500 rounds."""
    return _run(seed, nodes, keys=50, rounds=500)


def _run(seed: int, nodes: int, *, keys: int, rounds: int) -> tuple[World, list[Figure]]:
    world = World(seed, network("races", SECRET), Link(delay_ms=20, jitter_ms=20, loss=0.02))
    world.add_nodes(nodes)
    world.run(60)
    owner, history = world.owner(), History(world)
    devices = [world.add_client([world.any_node(world.rng)]) for _ in SKEWS_MS]
    for turn in range(rounds):
        if turn == rounds // 3:
            part(world, devices)
        if turn == 2 * rounds // 3:
            world.links.heal()
            _restart_one(world)
        for device, skew_ms in zip(devices, SKEWS_MS, strict=True):
            history.put(device, _version(world, owner, keys, skew_ms))
        world.run(world.rng.random())
        history.collect()
    taken = [w.entry for w in history.written if w.result.stored]
    newest = _newest(world, taken)
    took = 0
    while lacking(world, newest) and took < SETTLE_SECONDS:
        world.run(2)
        took += 2
    reader = world.add_client([world.any_node(world.rng)])
    for entry in newest:
        history.get(reader, entry.id)
    history.collect()
    behind = lacking(world, newest)
    world.run(2 * SWEEP_SECONDS)
    return world, [
        exactly("replicas that differ from the maximum", behind, 0),
        at_most("seconds until all replicas are the same", took, SETTLE_SECONDS),
        exactly("copies anywhere that differ after a sweep", wrong_copies(world, newest), 0),
        exactly("reads of anything but the maximum", _wrong_reads(history, newest), 0),
        exactly("unsigned values read", unsigned_read(history), 0),
        exactly("nodes that took or misjudged a far clock", _far_ahead(world, owner), 0),
        Figure("versions that a node took", len(taken)),
        Figure("keys that are deleted in the end", sum(e.is_tombstone for e in newest)),
    ]


def _version(world: World, owner: Owner, keys: int, skew_ms: int) -> Entry:
    rng = world.rng
    key = b"key %d" % rng.randrange(keys)
    at = hybrid_time(hybrid_ms(world.time()) + skew_ms)
    if rng.random() < DELETES:
        return owner.tombstone(key, at)
    return owner.entry(key, rng.randbytes(8), at, 86_400)


def _newest(world: World, taken: list[Entry]) -> list[Entry]:
    newest: dict[bytes, Entry] = {}
    for entry in taken:
        held = newest.get(entry.key)
        if held is None or order(entry, world.network) > order(held, world.network):
            newest[entry.key] = entry
    return list(newest.values())


def _restart_one(world: World) -> None:
    host = world.any_node(world.rng)
    world.kill(host)
    world.restart(host)


def _wrong_reads(history: History, newest: list[Entry]) -> int:
    wanted = {entry.id: entry for entry in newest}
    wrong = 0
    for read in history.read:
        entry = wanted[read.entry_id]
        found = Found.ABSENT if entry.is_tombstone else Found.FOUND
        is_same = read.result.entry is not None and read.result.entry.same_version(entry.data)
        wrong += read.result.found is not found or not is_same
    return wrong


def _far_ahead(world: World, owner: Owner) -> int:
    """Answers to a put of the fifth device that are anything but FUTURE with the node's clock."""
    at_ms = hybrid_ms(world.time()) + FAR_AHEAD_MS
    history = History(world)
    device = world.add_client([world.any_node(world.rng)])
    history.put(device, owner.entry(b"ahead", b"", hybrid_time(at_ms), 86_400))
    history.collect()
    acks = [outcome.ack for outcome in history.written[0].result.outcomes if outcome.ack]
    refused = [
        ack
        for ack in acks
        if ack.status is PutStatus.FUTURE and at_ms - ack.detail > CLOCK_AHEAD_MS_MAX
    ]
    return len(acks) - len(refused) + (not acks)
