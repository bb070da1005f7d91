"""Fetches the shares of one stripe: the data shares that are wanted, each from the node that should
have it; once one of them is late, lacking, damaged or its node gone, any k shares from anybody.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from dave.edge.driver import Driver
from dave.edge.files.share_locator import ShareLocator
from dave.edge.files.share_nodes import BAD, DEAD, GOOD, LATE, ShareNode, ShareNodes
from dave.edge.files.shares import Shares
from dave.errors import NetworkError, NotWhole, ShareCorrupt, ShareLacking, WireError
from dave.names import SECOND, Instant
from dave.node.requests import Peer
from dave.share_limits import FETCH_SECONDS
from dave.wire.manifest import Row


class ShareSource:
    """What all stripes of one fetch share."""

    def __init__(self, driver: Driver, shares: Shares) -> None:
        self.driver = driver
        self.shares = shares
        self.nodes = ShareNodes()
        self.locator = ShareLocator(driver, shares, self.nodes)

    def greet(self, peers: Sequence[Peer]) -> None:
        """Around the first stripe: who says nothing for a moment is late."""

        def late(node: ShareNode) -> None:
            node.late += 1

        self.locator.greet(peers, self.nodes.patience / SECOND, late)


class _Asked:
    """A share that is under way."""

    __slots__ = ("is_late", "node", "since", "task")

    def __init__(self, node: ShareNode, since: Instant) -> None:
        self.node = node
        self.since = since
        self.is_late = False
        self.task: Any = None


class StripeFetch:
    """One stripe; `wanted` are numbers of data shares. `what` names it for a person."""

    def __init__(self, source: ShareSource, row: Row, wanted: Iterable[int], what: str) -> None:
        self._source = source
        self._row = row
        self._wanted = list(wanted)
        self._what = what
        self._have: dict[int, bytes] = {}
        self._candidates: list[tuple[int, ShareNode]] = []
        """Share number and whom to ask for it, who was not asked yet."""
        self._tried: set[tuple[int, ShareNode]] = set()
        self._asked: dict[tuple[int, ShareNode], _Asked] = {}
        self._by_guess = False
        self._any_will_do = False
        """Whether k shares of any number are fetched instead of the wanted ones."""
        self._rounds = 0
        self._error: Exception | None = None
        self._signal = source.driver.signal()

    async def run(self) -> dict[int, bytes]:
        """Shares by number: the wanted ones at least, or k of any. Raises NotWhole if they cannot
        be found, NetworkError if nobody answers, WireError for a row that says what is not so."""
        try:
            if self._source.nodes.guesses_hold:
                await self._guess()
            while not self._is_done:
                self._ask_on()
                if all(asked.is_late for asked in self._asked.values()) and (
                    self._rounds < 1 or not self._asked
                ):
                    await self._look_further()
                    continue
                await self._signal.wait(self._seconds_to_late())
                if self._error is not None:
                    raise self._error
                self._judge_late()
            return self._have
        finally:
            for asked in tuple(self._asked.values()):  # a task that ends leaves the table
                asked.task.cancel()

    @property
    def _is_done(self) -> bool:
        return len(self._have) >= self._row.shape.k or all(
            number in self._have for number in self._wanted
        )

    async def _guess(self) -> None:
        """Share i is with the i-th nearest node, where nothing has changed since it was put."""
        n = self._row.shape.n
        peers = await self._source.locator.nearest(self._row.stripe_id, n)
        self._source.greet(peers)
        self._by_guess = True
        self._add((number, peers[number % len(peers)]) for number in range(n) if peers)

    async def _look_further(self) -> None:
        """There is nobody left to ask: ask the nodes around what they hold; at last those too that
        were dead a moment ago."""
        self._rounds += 1
        if self._rounds > 2:
            raise self._not_whole()
        locator, again = self._source.locator, self._rounds > 1
        self._by_guess, self._any_will_do = False, again
        if again:
            self._tried = {each for each in self._tried if each[1].is_bad}
        self._add(await locator.holders(self._row.stripe_id, ask_dead=again))

    def _add(self, found: Iterable[tuple[int, Peer]]) -> None:
        nodes, n = self._source.nodes, self._row.shape.n
        for number, peer in found:
            candidate = number, nodes.of(peer)
            if number < n and candidate not in self._tried:
                self._tried.add(candidate)
                self._candidates.append(candidate)

    def _ask_on(self) -> None:
        """Have as many shares under way as are still needed."""
        k, now = self._row.shape.k, self._source.driver.now()
        if self._by_guess and not self._source.nodes.guesses_hold:
            self._candidates.clear()  # one was wrong, so all may be
        under_way = {number for (number, _), asked in self._asked.items() if not asked.is_late}
        if not self._any_will_do:
            missing = [i for i in self._wanted if i not in self._have and i not in under_way]
            for number in missing:
                candidate = self._best((number,), now)
                if candidate is None or candidate[1].standing(now) != GOOD:
                    self._any_will_do = True
                    break
                self._ask(candidate, now)
                under_way.add(number)
        if self._any_will_do:
            everything = range(self._row.shape.n)
            while len(self._have) + len(under_way) < k:
                open_numbers = [i for i in everything if i not in self._have and i not in under_way]
                candidate = self._best(open_numbers, now)
                if candidate is None or (candidate[1].standing(now) == DEAD and self._rounds < 2):
                    return
                self._ask(candidate, now)
                under_way.add(candidate[0])

    def _best(self, numbers: Iterable[int], now: Instant) -> tuple[int, ShareNode] | None:
        """Of these shares, the one whose node stands best; then the first, which may need no
        decoding."""
        wanted = frozenset(numbers)
        able = [
            (node.standing(now), number, at)
            for at, (number, node) in enumerate(self._candidates)
            if number in wanted and node.standing(now) < BAD
        ]
        return self._candidates[min(able)[2]] if able else None

    def _ask(self, candidate: tuple[int, ShareNode], now: Instant) -> None:
        self._candidates.remove(candidate)
        asked = self._asked[candidate] = _Asked(candidate[1], now)
        asked.task = self._source.driver.spawn(self._fetch(candidate, asked))

    async def _fetch(self, candidate: tuple[int, ShareNode], asked: _Asked) -> None:
        number, node = candidate
        source, address = self._source, self._row.addresses[number]
        try:
            data = await source.shares.fetch(node.peer, address, FETCH_SECONDS)
            source.nodes.answered(node, source.driver.now() - asked.since)
            self._take(address, data)
        except ShareLacking:
            source.nodes.heard(node)
            if self._by_guess:
                source.nodes.guesses_hold = False
        except ShareCorrupt:
            source.nodes.corrupt(node)
        except NetworkError:
            source.nodes.silent(node, source.driver.now())
        except Exception as error:
            self._error = error
        finally:
            self._asked.pop(candidate, None)
            self._signal.set()

    def _take(self, address: bytes, data: bytes) -> None:
        """A share has come; where blocks are equal, or all shares copies, it is several."""
        shape = self._row.shape
        for number, each in enumerate(self._row.addresses):
            if each == address:
                if len(data) != shape.size(number):
                    raise WireError("the manifest contradicts the size of a share")
                self._have[number] = data

    def _seconds_to_late(self) -> float | None:
        """Until the next share that is under way is late."""
        since = [asked.since for asked in self._asked.values() if not asked.is_late]
        if not since:
            return None
        due = min(since) + self._source.nodes.patience - self._source.driver.now()
        return max(0.0, due / SECOND)

    def _judge_late(self) -> None:
        before = self._source.driver.now() - self._source.nodes.patience
        for asked in self._asked.values():
            if not asked.is_late and asked.since <= before:
                asked.is_late = self._any_will_do = True
                asked.node.late += 1

    def _not_whole(self) -> NotWhole:
        k, now, nodes = self._row.shape.k, self._source.driver.now(), self._source.nodes
        dead, bad = nodes.count(DEAD, now), nodes.count(BAD, now)
        answering = nodes.count(GOOD, now) + nodes.count(LATE, now)
        why = [f"nodes that answer: {answering}"]
        why += [f"that do not: {dead}"] if dead else []
        why += [f"that sent damaged shares: {bad}"] if bad else []
        return NotWhole(
            f"{self._what}: {len(self._have)} of the shares that it takes, {k}, can be found "
            f"({', '.join(why)}): start more of the nodes that had it, then the same command goes "
            "on"
        )
