"""Which nodes there are around a stripe, which of them answer, and which hold which shares: those
may not be where the order of distances says, since nodes come and go.

Stripes that are looked for at the same time are asked for together, some thirty at once.
"""

from collections.abc import Callable, Sequence
from typing import Any

from dave.edge.driver import Driver, gather
from dave.edge.files.share_nodes import BAD, DEAD, ShareNode, ShareNodes
from dave.edge.files.shares import Shares
from dave.edge.limits import GREET_LOOK_SECONDS, SHARE_SECONDS
from dave.errors import NetworkError
from dave.limits import DIGEST_BYTES
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

Judge = Callable[[ShareNode], None]
"""What is to be thought of a node that does not answer."""


class _Batch:
    """Stripes that are asked for together."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.found: dict[bytes, Holders] = {}
        self.task: Any = None


class ShareLocator:
    """Asks by `shares` (edge/files/shares.py)."""

    def __init__(self, driver: Driver, shares: Shares, nodes: ShareNodes) -> None:
        self._driver = driver
        self._shares = shares
        self._nodes = nodes
        self._batch: _Batch | None = None
        self._everybody: list[Peer] = []
        self._everybody_until: Instant = 0
        self._unheard: dict[ShareNode, Any] = {}
        """Nodes that were greeted, and are waited for."""
        self._greeting: Any = None

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

    def greet(self, peers: Sequence[Peer], seconds: float, judge: Judge) -> None:
        """Ask nodes something small, once: so who of them is dead is known before anybody has to
        wait for them, and connections are there when they are needed. After so many seconds those
        that have not answered are judged."""
        if self._greeting is None:
            self._unheard = {
                self._nodes.of(peer): self._driver.spawn(self._greet(peer)) for peer in peers
            }
            self._greeting = self._driver.spawn(self._judge(seconds, judge))

    async def answers(self, peer: Peer) -> bool:
        """Whether a node is not known to be silent; one that was greeted is waited for until it has
        answered, or is judged."""
        node = self._nodes.of(peer)
        while node in self._unheard:
            await self._driver.sleep(GREET_LOOK_SECONDS)
        return node.standing(self._driver.now()) < DEAD

    def close(self) -> None:
        """Stop what is under way."""
        for task in [*self._unheard.values(), self._greeting]:
            if task is not None:
                task.cancel()
        self._unheard.clear()
        if self._batch is not None:
            self._batch.task.cancel()

    async def _greet(self, peer: Peer) -> None:
        node = self._nodes.of(peer)
        try:
            await self._shares.held(peer, [bytes(DIGEST_BYTES)], SHARE_SECONDS)
            self._nodes.heard(node)
        except NetworkError:
            self._nodes.silent(node, self._driver.now())
        self._unheard.pop(node, None)

    async def _judge(self, seconds: float, judge: Judge) -> None:
        await self._driver.sleep(seconds)
        for node in list(self._unheard):
            judge(node)
        self._unheard = {}  # the tasks go on: who answers late is heard nevertheless

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
