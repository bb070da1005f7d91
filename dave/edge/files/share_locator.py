"""Which nodes hold which shares of a stripe, by asking them: for when shares are not where the
order of distances says, because nodes have come or gone since they were put.

Stripes that are looked for at the same time are asked for together, some thirty at once.
"""

from collections.abc import Sequence
from typing import Any

from dave.edge.driver import Driver, gather
from dave.edge.files.share_nodes import BAD, DEAD, ShareNodes
from dave.edge.files.shares import Shares
from dave.errors import NetworkError
from dave.names import SECOND, Instant, Place
from dave.node.requests import Peer
from dave.share_limits import (
    CODE_SHARES_MAX,
    FETCH_NETWORK_SECONDS,
    FETCH_SPARE_NODES,
    LOCATE_GATHER_SECONDS,
    LOCATE_SECONDS,
    STRIPES_ASKED_MAX,
)
from dave.wire.stripe import place_of_stripe

_MANY = CODE_SHARES_MAX + FETCH_SPARE_NODES
"""Nodes asked for at most: all that may hold a share of a stripe, and some."""

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

    def __init__(self, driver: Driver, shares: Shares, nodes: ShareNodes) -> None:
        self._driver = driver
        self._shares = shares
        self._nodes = nodes
        self._batch: _Batch | None = None
        self._everybody: list[Peer] = []
        self._everybody_until: Instant = 0
        self._greeting: list[Any] = []

    async def nearest(self, stripe_id: bytes, count: int) -> list[Peer]:
        """Up to `count` nodes nearest to a stripe, nearest first. Raises NetworkError if nobody
        answers. In a small network one lookup names all, so that later ones need not wait for the
        dead again."""
        place: Place = place_of_stripe(stripe_id)
        if self._driver.now() >= self._everybody_until:
            found: list[Peer] = await self._shares.nearest(place, _MANY, LOCATE_SECONDS)
            if len(found) == _MANY or any(peer.id is None for peer in found):
                return found[:count]
            self._everybody = found
            self._everybody_until = self._driver.now() + FETCH_NETWORK_SECONDS * SECOND
        return sorted(self._everybody, key=lambda peer: (peer.id or 0) ^ place)[:count]

    def greet(self, stripe_id: bytes, peers: Sequence[Peer]) -> None:
        """Ask the nodes around the first stripe something small, once: so who of them is dead is
        known before anybody has to wait for them, and connections are there when they are needed.
        """
        if not self._greeting:
            self._greeting = [self._driver.spawn(self._greet(peer, stripe_id)) for peer in peers]
            self._greeting.append(self._driver.spawn(self._judge_silent(peers)))

    def close(self) -> None:
        """Stop what is under way."""
        for task in self._greeting:
            task.cancel()
        if self._batch is not None:
            self._batch.task.cancel()

    async def _greet(self, peer: Peer, stripe_id: bytes) -> None:
        node = self._nodes.of(peer)
        try:
            await self._shares.held(peer, [stripe_id], LOCATE_SECONDS)
            self._nodes.heard(node)
        except NetworkError:
            self._nodes.silent(node, self._driver.now())

    async def _judge_silent(self, peers: Sequence[Peer]) -> None:
        await self._driver.sleep(self._nodes.patience / SECOND)
        for peer in peers:
            node = self._nodes.of(peer)
            if not node.is_heard:
                node.late += 1

    async def holders(self, stripe_id: bytes, *, ask_dead: bool = False) -> Holders:
        """Who says that it holds which shares. Raises NetworkError if nobody answers at all."""
        if ask_dead:
            return (await self._ask([stripe_id], ask_dead=True))[stripe_id]
        batch = self._batch
        if batch is None:
            batch = self._batch = _Batch()
            batch.task = self._driver.spawn(self._run(batch))
        batch.ids.append(stripe_id)
        if len(batch.ids) == STRIPES_ASKED_MAX:
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
            peers = await self.nearest(stripe_id, _MANY)
            near[stripe_id] = peers
            for peer in peers:
                standing = self._nodes.of(peer).standing(now)
                if standing < DEAD or (ask_dead and standing < BAD):
                    by_node.setdefault(peer.public_key, (peer, []))[1].append(stripe_id)
        said: dict[tuple[object, bytes], int] = {}

        async def ask(peer: Peer, wanted: list[bytes]) -> None:
            try:
                answers = await self._shares.held(peer, wanted, LOCATE_SECONDS)
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
