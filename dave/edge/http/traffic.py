"""GET /v1/traffic: the node's counters over the last half hour, for rates over time.

A sample is taken every few seconds as long as the node serves HTTP, whoever looks: so that the
dashboard shows what was, too. It costs some 20 microseconds.
"""

import asyncio
import time
from collections import deque
from typing import Any

from aiohttp import web

from dave.drops import Drop
from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.queries import read, whole_number
from dave.edge.http.service import Service
from dave.edge.limits import TRAFFIC_SAMPLES_KEPT, TRAFFIC_SECONDS
from dave.edge.node import Node
from dave.wire.status import PutStatus

DROPS = tuple(reason.name.lower() for reason in Drop)
_ACCEPTED = (PutStatus.STORED, PutStatus.SAME)

SCHEMA = {
    "type": "object",
    "required": ["seconds", "last", "time", "counters", "drops"],
    "properties": {
        "seconds": {"type": "number", "description": "Between two samples."},
        "last": {"type": "integer", "description": "Number of the last sample, for `since`."},
        "time": {
            "type": "array",
            "items": {"type": "number"},
            "description": "When each sample was taken, in Unix seconds.",
        },
        "counters": {
            "type": "object",
            "description": "Totals since the node started, by name, one of each sample. Bytes are "
            "those of UDP and TCP.",
            "additionalProperties": {"type": "array", "items": {"type": "integer"}},
        },
        "drops": {
            "type": "object",
            "description": "The same of datagrams and messages dropped, by reason; reasons that "
            "never occurred are left out.",
            "additionalProperties": {"type": "array", "items": {"type": "integer"}},
        },
    },
}

SINCE = whole_number(
    "since", 0, 2**53, 0,
    "Only samples after the one of this number; all, if the node has been started again since.",
)  # fmt: skip


def counters_of(node: Node) -> dict[str, int]:
    """The totals of which rates are shown."""
    core = node.core
    puts = core.puts.counts
    stored = sum(puts[status] for status in _ACCEPTED)
    udp, bulk = node.listeners.counts, node.bulk
    return {
        "gets_found": core.gets_found,
        "gets_absent": core.gets_absent,
        "puts_stored": stored,
        "puts_refused": sum(puts) - stored,
        "received_bytes": udp.received_bytes + bulk.bytes_received,
        "sent_bytes": udp.sent_bytes + bulk.bytes_sent,
        "kernel_drops": udp.kernel_drops,
    }


class Traffic:
    """The last TRAFFIC_SAMPLES_KEPT samples of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._samples: deque[tuple[float, dict[str, int], list[int]]] = deque(
            maxlen=TRAFFIC_SAMPLES_KEPT
        )
        self.taken = 0
        """How many samples there were in all."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take samples from now on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take no more."""
        if self._task is not None:
            self._task.cancel()

    def sample(self) -> None:
        """Take one."""
        drops = list(self._node.core.drops.counts)
        self._samples.append((time.time(), counters_of(self._node), drops))
        self.taken += 1

    def told(self, since: int = 0) -> dict[str, Any]:
        """The samples after number `since`; the first has number 1. All, if there is no such number
        yet: it is then of the node before it was started again."""
        new = self.taken - since
        count = min(new, len(self._samples)) if new >= 0 else len(self._samples)
        samples = list(self._samples)[len(self._samples) - count :]
        names = samples[-1][1] if samples else ()
        seen = [n for n in range(len(DROPS)) if samples and samples[-1][2][n]]
        return {
            "seconds": TRAFFIC_SECONDS,
            "last": self.taken,
            "time": [round(at, 3) for at, _, _ in samples],
            "counters": {name: [counters[name] for _, counters, _ in samples] for name in names},
            "drops": {DROPS[n]: [drops[n] for _, _, drops in samples] for n in seen},
        }

    async def _run(self) -> None:
        while True:
            self.sample()
            await asyncio.sleep(TRAFFIC_SECONDS)


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    samples = Traffic(service.node)
    service.on_start.append(samples.start)
    service.on_stop.append(samples.stop)

    async def traffic(request: web.Request) -> web.Response:
        return web.json_response(samples.told(read(request, (SINCE,))["since"]))

    return [
        Operation("GET", "/v1/traffic", traffic, Access.INSIDE, Doc(
            "Counters of the last half hour, for rates over time.",
            {200: answer("Samples, the oldest first.", "application/json", SCHEMA)},
            [SINCE.parameter()],
            problems={400: "since is no number."},
        )),
    ]  # fmt: skip
