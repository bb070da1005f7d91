"""A calm network does what it says: nodes join through one edge, every put is found by others, and
still is when a node dies and when another was restarted."""

from dave.limits import REPLICAS
from dave.node.results import Found, GetResult, PutResult
from dave.testing.host import Host
from dave.testing.world import World, seconds
from dave.wire.entry import Entry
from sim.checks import acknowledged_not_committed, stored_twice, tables_over_limit, wrong_copies
from sim.figures import Figure, at_least, at_most, exactly

ENTRIES = 40
JOIN_SECONDS = 5


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """At least 3 nodes."""
    world = World(seed)
    for _ in range(nodes):
        world.add_node()
    world.run(JOIN_SECONDS)
    owner = world.owner()
    writer = world.add_client()
    reader = world.add_client([world.nodes[-1]])
    entries = [owner.entry(b"key %d" % i, b"value %d" % i, world.time()) for i in range(ENTRIES)]
    puts, put_seconds = _put_all(world, writer, entries)
    # Before anything dies: a read finds what the writer put.
    gets, get_seconds = _get_all(world, reader, entries)
    figures = [
        exactly("puts with a quorum", sum(put.has_quorum for put in puts), ENTRIES),
        exactly("copies that lack or are wrong", wrong_copies(world, entries), 0),
        exactly("entries read", _found(gets, entries), ENTRIES),
        at_most("median put in seconds, virtual", put_seconds, 0.2),
        at_most("median get in seconds, virtual", get_seconds, 0.1),
    ]
    world.kill(world.nodes[1])
    late, late_seconds = _get_all(world, reader, entries)
    late_put = owner.entry(b"late", b"a node is dead", world.time())
    result = world.run_until_resolved(writer.put(late_put))[0]
    figures += [
        exactly("entries read after a node died", _found(late, entries), ENTRIES),
        at_most("median get in seconds, a node dead", late_seconds, 1.0),
        at_least("nodes that stored with one dead", result.stored, min(nodes - 1, REPLICAS) // 2),
    ]
    world.run(30)
    world.restart(world.nodes[1])
    world.run(JOIN_SECONDS)
    absent = world.run_until_resolved(reader.get(owner.entry(b"no", b"", world.time()).id))[0]
    pairs = list(zip(entries, puts, strict=True))
    return world, [
        *figures,
        exactly("a key never put is absent", absent.found is Found.ABSENT, 1),
        exactly("entries lost by a restart", _restarted(world, world.nodes[1], entries), 0),
        exactly("acknowledged, not committed", acknowledged_not_committed(world, pairs), 0),
        exactly("stored twice", stored_twice(world), 0),
        exactly("tables that do not empty", tables_over_limit(world), 0),
        Figure("datagrams delivered", world.delivered),
    ]


def _put_all(world: World, client: Host, entries: list[Entry]) -> tuple[list[PutResult], float]:
    """All puts, one after another and settled, and the median time to the quorum."""
    results, times = [], []
    for entry in entries:
        started = world.now
        put = client.put(entry)
        results += world.run_until_resolved(put)
        times.append(world.ended(put).at - started)
        world.run_until_resolved(world.settled(put))
    return results, seconds(sorted(times)[len(times) // 2])


def _get_all(world: World, client: Host, entries: list[Entry]) -> tuple[list[GetResult], float]:
    results, times = [], []
    for entry in entries:
        started = world.now
        results += world.run_until_resolved(client.get(entry.id))
        times.append(world.now - started)
    return results, seconds(sorted(times)[len(times) // 2])


def _found(results: list[GetResult], entries: list[Entry]) -> int:
    return sum(
        result.found is Found.FOUND and result.entry == entry
        for result, entry in zip(results, entries, strict=True)
    )


def _restarted(world: World, host: Host, entries: list[Entry]) -> int:
    """Entries that a node had on its disk and does not serve after its restart."""
    assert host.disk is not None
    held = {record.body for record in host.disk.records()}
    on_disk = [entry for entry in entries if entry.data in held]
    return sum(host.node.own(entry.id, world.now) is None for entry in on_disk)
