"""Which nodes hold which shares of a stripe, by asking them: for when shares are not where the
order of distances says, because nodes have come or gone since they were put.

Stripes that are looked for at the same time are asked for together, some thirty at once.
"""

from collections.abc import Sequence
from typing import Any

from dave.edge.driver import Driver, gather
from dave.edge.share_nodes import BAD, DEAD, ShareNodes
from dave.errors import NetworkError
from dave.names import Place
from dave.node.requests import Peer
from dave.share_limits import (
    CODE_SHARES_MAX,
    FETCH_SECONDS,
    FETCH_SPARE_NODES,
    LOCATE_GATHER_SECONDS,
    LOCATE_STRIPES_MAX,
)
from dave.wire.stripe import place_of_stripe

Holders = list[tuple[int, Peer]]
"""Share number and who says it holds that share; nearest nodes first."""


class _Batch:
    """Stripes that are asked for together."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.found: dict[bytes, Holders] = {}
        self.task: Any = None


class ShareLocator:
    """Asks by `shares` (edge/shares.py)."""

    def __init__(self, driver: Driver, shares: Any, nodes: ShareNodes) -> None:
        self._driver = driver
        self._shares = shares
        self._nodes = nodes
        self._batch: _Batch | None = None

    async def nearest(self, stripe_id: bytes, count: int) -> list[Peer]:
        """The nodes nearest to a stripe. Raises NetworkError if nobody answers."""
        place: Place = place_of_stripe(stripe_id)
        found: list[Peer] = await self._shares.nearest(place, count, FETCH_SECONDS)
        return found

    async def holders(self, stripe_id: bytes, *, ask_dead: bool = False) -> Holders:
        """Who says that it holds which shares. Raises NetworkError if nobody answers at all."""
        if ask_dead:
            return (await self._ask([stripe_id], ask_dead=True))[stripe_id]
        batch = self._batch
        if batch is None:
            batch = self._batch = _Batch()
            batch.task = self._driver.spawn(self._run(batch))
        batch.ids.append(stripe_id)
        if len(batch.ids) == LOCATE_STRIPES_MAX:
            self._batch = None
        await self._driver.join(batch.task)
        return batch.found[stripe_id]

    async def _run(self, batch: _Batch) -> None:
        await self._driver.sleep(LOCATE_GATHER_SECONDS)
        if self._batch is batch:
            self._batch = None
        batch.found = await self._ask(batch.ids)

    async def _ask(self, ids: Sequence[bytes], *, ask_dead: bool = False) -> dict[bytes, Holders]:
        near: dict[bytes, list[Peer]] = {}
        by_node: dict[object, tuple[Peer, list[bytes]]] = {}
        now = self._driver.now()
        for stripe_id in dict.fromkeys(ids):
            peers = await self.nearest(stripe_id, CODE_SHARES_MAX + FETCH_SPARE_NODES)
            near[stripe_id] = peers
            for peer in peers:
                standing = self._nodes.of(peer).standing(now)
                if standing < DEAD or (ask_dead and standing < BAD):
                    by_node.setdefault(peer.public_key, (peer, []))[1].append(stripe_id)
        said: dict[tuple[object, bytes], int] = {}

        async def ask(peer: Peer, wanted: list[bytes]) -> None:
            try:
                answers = await self._shares.held(peer, wanted, FETCH_SECONDS)
            except NetworkError:
                self._nodes.silent(self._nodes.of(peer), self._driver.now())
                return
            for stripe_id, answer in zip(wanted, answers, strict=False):
                if answer is not None:
                    said[peer.public_key, stripe_id] = answer[1]

        calls = [lambda peer=peer, wanted=w: ask(peer, wanted) for peer, w in by_node.values()]
        if calls:
            await gather(self._driver, calls, len(calls))
        return {
            stripe_id: [
                (number, peer)
                for peer in peers
                for number in range(CODE_SHARES_MAX)
                if said.get((peer.public_key, stripe_id), 0) >> number & 1
            ]
            for stripe_id, peers in near.items()
        }
