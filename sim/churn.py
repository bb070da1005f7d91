"""Nodes that come and go: exponential lifetimes, as measurements of peer-to-peer networks are
usually summed up by their half-life (Liben-Nowell, Balakrishnan and Karger, PODC 2002).

Who dies says nothing. Some come back after a while, with their identity and what their disk kept;
the machine of the others is gone, and a newcomer takes its part. So the number of nodes stays about
the same, and half of those that are up at any time have died one half-life later.
"""

from math import log
from random import Random
from typing import Any

from dave.names import MS
from dave.testing.host import Host
from dave.testing.world import World

RETURNING = 0.5
"""Share of the dead that come back with their disk ..."""
DOWN_SECONDS = 600.0
"""... after this long on average, exponentially distributed."""


class Churn:
    """Deaths and arrivals in a world, from `start` until `stop`.

    `keep` hosts, if given, never die: those that a scenario measures with. `options` are those of
    World.add_node, for newcomers.
    """

    def __init__(
        self,
        world: World,
        half_life_minutes: float,
        *,
        returning: float = RETURNING,
        keep: list[Host] | None = None,
        **options: Any,
    ) -> None:
        self._world = world
        self._rng = Random(world.rng.getrandbits(64))
        self._rate = log(2) / (half_life_minutes * 60)
        self._returning = returning
        self._keep = [host.address for host in keep or []]
        self._options = options
        self._is_on = False
        self.died = 0
        self.returned = 0
        self.came = 0

    def start(self) -> None:
        """Give every node that is up its day of death."""
        self._is_on = True
        for host in self._world.nodes:
            if host.is_up:
                self._doom(host)

    def stop(self) -> None:
        """From now on nobody dies and nobody new comes; who was to come back still does."""
        self._is_on = False

    def _doom(self, host: Host) -> None:
        if host.address not in self._keep:
            self._after(self._rng.expovariate(self._rate), self._die, host, host.starts)

    def _after(self, seconds: float, action: Any, *arguments: Any) -> None:
        self._world.clock.schedule(self._world.now + int(seconds * 1000) * MS, action, *arguments)

    def _die(self, host: Host, start: int) -> None:
        if not self._is_on or not host.is_up or host.starts != start:
            return
        self.died += 1
        if self._rng.random() < self._returning:
            self._world.kill(host)
            self._after(self._rng.expovariate(1 / DOWN_SECONDS), self._return, host)
        else:
            self._world.retire(host)
            self._after(self._rng.random() * 60, self._come)

    def _return(self, host: Host) -> None:
        if not host.is_up:
            self.returned += 1
            self._world.restart(host)
            self._doom(host)

    def _come(self) -> None:
        if self._is_on:
            self.came += 1
            edge = self._world.any_node(self._rng)
            self._doom(self._world.add_node([edge], **self._options))
