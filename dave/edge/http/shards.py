"""GET /v1/shards: how full each of the store's 256 shards is, and the lowest rank in it."""

import asyncio
import time
from typing import Any

from aiohttp import web

from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.service import Service
from dave.edge.limits import SHARDS_AT_ONCE, SHARDS_KEPT_SECONDS
from dave.limits import SHARDS
from dave.store.store import Store

SCHEMA = {
    "type": "object",
    "required": ["bytes_capacity", "entries", "bytes", "lowest_rank"],
    "properties": {
        "bytes_capacity": {"type": "integer", "description": "Of one shard."},
        "entries": {"type": "array", "items": {"type": "integer"}},
        "bytes": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "In the measure of the capacity: 600 more an entry than its own.",
        },
        "lowest_rank": {
            "type": "array",
            "items": {"type": ["number", "null"]},
            "description": "In bits; what a newcomer must exceed once the shard is full. null: it "
            "is empty, or holds what was read from the journal and had not to be ranked yet.",
        },
    },
}


class ShardFigures:
    """The figures of all shards, at most SHARDS_KEPT_SECONDS old."""

    def __init__(self, store: Store, capacity: int) -> None:
        self._store = store
        self._capacity = capacity // SHARDS
        self._figures: dict[str, Any] = {}
        self._made_at = float("-inf")
        self._in_hand = asyncio.Lock()

    async def get(self) -> dict[str, Any]:
        """Anew if need be, a few shards a turn of the loop: a walk over all entries may take 50
        ms."""
        async with self._in_hand:
            if time.monotonic() - self._made_at >= SHARDS_KEPT_SECONDS:
                figures = []
                for n in range(SHARDS):
                    figures.append(self._store.figures(n))
                    if n % SHARDS_AT_ONCE == 0:
                        await asyncio.sleep(0)
                entries, used, lowest = zip(*figures, strict=True)
                self._figures = {
                    "bytes_capacity": self._capacity,
                    "entries": entries,
                    "bytes": used,
                    "lowest_rank": [None if rank is None else round(rank, 2) for rank in lowest],
                }
                self._made_at = time.monotonic()
        return self._figures


def routes(service: Service) -> list[Operation]:
    """The operations of this module."""
    node = service.node
    figures = ShardFigures(node.core.store, node.config.capacity)

    async def shards(request: web.Request) -> web.Response:
        return web.json_response(await figures.get())

    return [
        Operation("GET", "/v1/shards", shards, Access.INSIDE, Doc(
            "The 256 shards of the store: fill and lowest rank.",
            {200: answer("A figure for each shard.", "application/json", SCHEMA)},
            description=f"At most {SHARDS_KEPT_SECONDS} seconds old.",
        )),
    ]  # fmt: skip
