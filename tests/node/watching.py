"""A small network in which somebody watches what another writes."""

from dave.testing.world import World
from tests.node.networks import FREE, STEADY

SOON = 1.0


class Play:
    """A network, an owner who writes one key, and somebody who watches it."""

    def __init__(self, nodes=10, link=STEADY, seed=5):
        self.world = World(seed, FREE, link)
        for _ in range(nodes):
            self.world.add_node()
        self.world.run(10)
        self.owner = self.world.owner()
        self.writer = self.world.add_client()
        self.host = self.world.add_client([self.world.nodes[-1]])
        self.count = 0
        self.id = self.owner.entry(b"key", b"", self.world.time()).id
        self.told = []

    def watch(self, kept=64):
        self.watching = self.host.watch(self.id, kept)
        self.world.run(3)
        return self.watching

    def write(self, value=None, ttl=3600):
        self.count += 1
        value = b"%d" % self.count if value is None else value
        entry = self.owner.entry(b"key", value, self.world.time(), ttl)
        self.world.run_until_resolved(self.writer.put(entry))
        return entry

    def seen(self, seconds=SOON):
        """The events since asked last, after that time."""
        self.world.run(seconds)
        events = list(self.watching.events)
        self.watching.events.clear()
        self.told += events
        return events

    def values(self, seconds=SOON):
        return [None if event.is_gone else event.entry.value for event in self.seen(seconds)]

    def watched(self):
        """The nodes that have granted a lease."""
        return [host for host in self.world.nodes if host.is_up and len(host.node.leases)]

    def holders(self):
        return [h for h in self.world.nodes if h.is_up and h.node.own(self.id, self.world.now)]
