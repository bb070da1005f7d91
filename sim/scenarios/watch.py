"""Many watch one key, a third of all datagrams is lost, and the key's replicas are killed.

A version is written every few seconds; twice, half of those who hold the key are killed at once,
and come back later. Every watcher must end at the newest version, and none may see a version twice
or an older one after a newer one. How soon they are told is measured on a calm link before that.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from dave.crypto.network import network
from dave.node.limits import WATCH_POLL_SECONDS
from dave.node.watch import WatchOperation
from dave.testing.host import Host
from dave.testing.links import Link
from dave.testing.owner import Owner
from dave.testing.world import World, seconds
from dave.wire.entry import Entry
from sim.figures import Figure, at_most, exactly

WATCHERS = 20
WATCHERS_FULL = 1000
CALM_VERSIONS = 5
VERSIONS = 8
EVERY_SECONDS = 5.0
KILLS = (2, 5)
CALM = Link(delay_ms=20, jitter_ms=5)
BAD = CALM._replace(loss=0.30, reordering=0.3)
SECRET = b"a simulated secret"
STEP_SECONDS = 0.005


class _Play(NamedTuple):
    world: World
    owner: Owner
    writer: Host
    watches: list[WatchOperation]
    told: list[list[Entry]]
    """Versions told to each watcher, in order."""
    counted: list[int]
    """Versions told to each, and those said to be skipped."""

    def write(self, number: int) -> Entry:
        """Begin to put a version."""
        entry = self.owner.entry(b"key", b"%d" % number, self.world.time())
        self.writer.put(entry, 20.0)
        return entry

    def read(self) -> None:
        """Take what has been told."""
        for n, watch in enumerate(self.watches):
            while watch.events:
                event = watch.events.popleft()
                self.told[n].append(event.entry)
                self.counted[n] += 1 + event.skipped

    def wait(self, condition: Callable[[], bool], at_most_seconds: float) -> float:
        """Go on until it is true; the seconds that took."""
        began = self.world.now
        while not condition() and seconds(self.world.now - began) < at_most_seconds:
            self.world.run(STEP_SECONDS)
            self.read()
        return seconds(self.world.now - began)

    def all_know(self, entry: Entry) -> bool:
        """Whether all have been told of it, and of nothing newer."""
        return all(told and told[-1] == entry for told in self.told)


def run(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """20 watchers."""
    return _run(seed, nodes, WATCHERS)


def run_full(seed: int, nodes: int) -> tuple[World, list[Figure]]:
    """1,000 watchers."""
    return _run(seed, nodes, WATCHERS_FULL)


def _run(seed: int, nodes: int, count: int) -> tuple[World, list[Figure]]:
    world = World(seed, network("watch", SECRET), CALM)
    for _ in range(nodes):
        world.add_node()
    world.run(20)
    play = _begin(world, count)
    calm = _calm(play)
    newest = _bad(play)
    play.wait(lambda: play.all_know(newest), 3 * WATCH_POLL_SECONDS)
    world.links.default = CALM
    told = [[entry.time for entry in each] for each in play.told]
    return world, [
        *calm,
        exactly("watchers that know the newest in the end",
                sum(each[-1] == newest for each in play.told), count),
        exactly("versions told twice, or after a newer one",
                sum(each != sorted(set(each)) for each in told), 0),
        Figure("share of versions told, at 30 % loss",
               (sum(map(len, told)) / count - 1 - CALM_VERSIONS) / VERSIONS),
        Figure("NOTIFYs sent by nodes that are up",
               sum(host.node.leases.notified for host in world.nodes if host.is_up)),
    ]  # fmt: skip


def _begin(world: World, count: int) -> _Play:
    """All watch, and know what stands."""
    owner, writer = world.owner(), world.add_client()
    watches: list[WatchOperation] = []
    play = _Play(world, owner, writer, watches, [[] for _ in range(count)], [0] * count)
    first = play.write(0)
    world.run(2)
    for number in range(count):
        host = world.add_client([world.nodes[number % len(world.nodes)]])
        watches.append(host.watch(first.id))
        world.run(0.02)
    play.wait(lambda: play.all_know(first) and all(watch.leases for watch in watches), 30)
    return play


def _calm(play: _Play) -> list[Figure]:
    """How soon all know, while nothing is wrong."""
    took = []
    for number in range(1, 1 + CALM_VERSIONS):
        entry = play.write(number)
        took.append(play.wait(partial(play.all_know, entry), 10))
        play.world.run(1)
    lost = sum(counted != 1 + CALM_VERSIONS for counted in play.counted)
    return [
        at_most("calm: seconds from the put until all know", max(took), 1.0),
        exactly("calm: watchers that miss a version uncounted", lost, 0),
    ]


def _bad(play: _Play) -> Entry:
    """Loss and deaths; the last version written."""
    world = play.world
    world.links.default = BAD
    killed: list[Host] = []
    for number in range(VERSIONS):
        if number in KILLS:
            for host in killed:
                world.restart(host)
            holders = [host for host in world.nodes if host.is_up]
            holders = [h for h in holders if h.node.own(play.told[0][0].id, world.now)]
            killed = holders[: len(holders) // 2]
            for host in killed:
                world.kill(host)
        entry = play.write(100 + number)
        world.run(EVERY_SECONDS)
        play.read()
    return entry
