"""What a node tells its log: what changed, never what is. It looks once a second at figures that
are there anyway, so that no traffic, however much, makes a line of its own.
"""

import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dave.drops import Drop
from dave.edge.addresses import format_address
from dave.edge.limits import (
    LOG_CLOCK_SECONDS,
    LOG_CLOCK_VOICES,
    LOG_DROPS_MIN,
    LOG_DROPS_SECONDS,
    LOG_JOIN_AGAIN_SECONDS,
    LOG_JOIN_SECONDS,
)
from dave.edge.logs import fields
from dave.edge.status import clock_ahead
from dave.session.session import FailReason

if TYPE_CHECKING:
    from dave.edge.node import Node

log = logging.getLogger("dave.node")


class Report:
    """Of one node, from its start to its end."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._peers = 0
        self._alone_at = time.monotonic() + LOG_JOIN_SECONDS
        """When to say that nobody is there."""
        self._is_reached = True
        self._is_off = False
        """The clock, as far as was told."""
        self._drops = [0] * len(Drop)
        self._kernel_drops = 0
        self._drops_at = time.monotonic() + LOG_DROPS_SECONDS
        self._traffic = (0, 0, 0, 0, 0, 0)

    def started(self) -> None:
        """The node is up."""
        node, core = self._node, self._node.core
        network = core.network.name + ("" if core.network.asks_work else ", with a secret")
        log.info("node key %s", node.public_key, extra=fields(
            address=node.address, key=node.public_key, id=f"{core.id:016x}",
            network=core.network.name,
        ))  # fmt: skip
        log.info("listening on %s, network %s", node.address, network)
        entries, folder = len(core.store), node.world.folder.path
        log.info("data in %s: %s entries", folder, f"{entries:,}",
                 extra=fields(data=folder, entries=entries))  # fmt: skip

    def stopped(self) -> None:
        """The node has said goodbye."""
        core, seconds = self._node.core, time.monotonic() - self._node.started_at
        udp = self._node.listeners.counts
        received, sent = udp.received_bytes, udp.sent_bytes
        gets, puts = core.gets_found + core.gets_absent, sum(core.puts.counts)
        log.info(
            "stopped after %s s: %s gets and %s puts answered, %s entries held, "
            "%s bytes received, %s sent",
            *(f"{n:,.0f}" for n in (seconds, gets, puts, len(core.store), received, sent)),
            extra=fields(seconds=round(seconds, 1), gets=gets, puts=puts, entries=len(core.store),
                         received_bytes=received, sent_bytes=sent),
        )  # fmt: skip

    def look(self) -> None:
        """Once a second: tell what has changed."""
        now = time.monotonic()
        self._look_at_peers(now)
        self._look_at_reach()
        self._look_at_clock()
        if now >= self._drops_at:
            self._drops_at = now + LOG_DROPS_SECONDS
            self._look_at_drops()
        if log.isEnabledFor(logging.DEBUG):
            self._look_at_traffic()

    def _look_at_peers(self, now: float) -> None:
        before, peers = self._peers, len(self._node.core.table)
        self._peers = peers
        if peers:
            self._alone_at = now + LOG_JOIN_SECONDS
        if peers and not before:
            what = "1 other node is" if peers == 1 else f"{peers} other nodes are"
            log.info("joined: %s known", what, extra=fields(peers=peers))
        elif before and not peers:
            log.warning("all other nodes are lost (%d were known)", before,
                        extra=fields(peers=0, before=before))  # fmt: skip
        elif now >= self._alone_at:
            self._alone_at = now + LOG_JOIN_AGAIN_SECONDS
            self._tell_alone()

    def _tell_alone(self) -> None:
        """Nobody is known for long: say so to who expects somebody."""
        edges = self._node.core.edges
        if not edges:
            return
        where = ", ".join(format_address(edge.address) for edge in edges)
        failed = self._node.core.tally.failed
        if failed[FailReason.OTHER_NETWORK]:
            why = "it answers, but of another network or with another secret: see --network, " \
                  "--secret-file"  # fmt: skip
        elif failed[FailReason.OTHER_KEY]:
            why = "it answers with another key than --edge names"
        else:
            why = "does it run, and does UDP get through?"
        log.warning("no other node is known, the edge cannot be used: %s; %s", where, why,
                    extra=fields(edges=[format_address(e.address) for e in edges]))  # fmt: skip

    def _look_at_reach(self) -> None:
        is_reached = self._node.core.is_reached
        if is_reached == self._is_reached:
            return
        self._is_reached = is_reached
        if is_reached:
            log.info("other nodes reach this one again")
        else:
            log.warning(
                "no other node reaches this one, so it goes as a client: let UDP port %s through",
                self._node.address.rpartition(":")[2],
            )

    def _look_at_clock(self) -> None:
        core = self._node.core
        ahead = clock_ahead(core, time.monotonic_ns())
        if ahead is None or len(core.peer_clocks) < min(LOG_CLOCK_VOICES, self._peers):
            return
        is_off = abs(ahead) > LOG_CLOCK_SECONDS
        if is_off == self._is_off:
            return
        self._is_off = is_off
        seconds = fields(ahead_seconds=ahead)
        if is_off:
            word = "ahead of" if ahead > 0 else "behind"
            log.warning("this clock is %.0f s %s those of other nodes: set it, by NTP at best",
                        abs(ahead), word, extra=seconds)  # fmt: skip
        else:
            log.info("the clock is right again", extra=seconds)

    def _look_at_drops(self) -> None:
        before, counts = self._drops, self._node.core.drops.counts
        self._drops = list(counts)
        kernel = self._node.listeners.counts.kernel_drops
        found = {d.name.lower(): counts[d] - before[d] for d in Drop if counts[d] > before[d]}
        if kernel > self._kernel_drops:
            found["kernel"] = kernel - self._kernel_drops
        self._kernel_drops = kernel
        if (count := sum(found.values())) >= LOG_DROPS_MIN:
            log.warning("%s datagrams and messages were dropped within a minute: %s", f"{count:,}",
                        ", ".join(_reasons(found)), extra=fields(drops=found))  # fmt: skip

    def _look_at_traffic(self) -> None:
        """For debugging: one line a second at most, and none while nothing happens."""
        core, udp = self._node.core, self._node.listeners.counts
        now = (
            udp.received, udp.sent,
            core.gets_found + core.gets_absent, sum(core.puts.counts),
            sum(counts.asked for counts in core.requests.counts.values()), sum(core.drops.counts),
        )  # fmt: skip
        received, sent, gets, puts, requests, drops = (
            a - b for a, b in zip(now, self._traffic, strict=True)
        )
        if now == self._traffic:
            return
        self._traffic = now
        log.debug(
            "%d datagrams received, %d sent: %d gets, %d puts, %d requests of our own, %d dropped",
            received, sent, gets, puts, requests, drops,
            extra=fields(received=received, sent=sent, gets=gets, puts=puts, requests=requests,
                         drops=drops, peers=self._peers),
        )  # fmt: skip


def _reasons(counts: dict[str, int]) -> Iterator[str]:
    """The most frequent ones first."""
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        yield f"{counts[name]:,} {name.replace('_', ' ')}"
