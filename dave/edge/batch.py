"""Many puts and gets at a time, without drowning anybody.

A fixed number of workers takes items from one list. After a put that nodes were too busy for, its
worker waits before it tries again, and the others keep off in the same time: `_Pace` is the window
that congestion control of TCP has (RFC 5681), one more with each success, half as many after BUSY.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from dave.edge.driver import Driver, gather
from dave.edge.limits import BUSY_PAUSE_SECONDS, BUSY_TRIES
from dave.edge.receipt import Items, Receipt, Value
from dave.errors import DaveError, NotStored, UsageError

if TYPE_CHECKING:
    from dave.edge.client import Client

T = TypeVar("T")


class _Pace:
    """How many may be under way."""

    def __init__(self, driver: Driver, most: int) -> None:
        self._driver = driver
        self._most = most
        self._window = float(most)
        self._under_way = 0

    async def enter(self) -> None:
        """Wait for one's turn."""
        while self._under_way + 1 > self._window:
            await self._driver.sleep(BUSY_PAUSE_SECONDS / 10)
        self._under_way += 1

    def leave(self, *, busy: bool) -> None:
        """One has ended, or waits because nodes are busy."""
        self._under_way -= 1
        if busy:
            self._window = max(1.0, self._window / 2)
        else:
            self._window = min(self._most, self._window + 1 / self._window)


async def put_all(
    client: "Client", driver: Driver, items: Items, concurrency: int, **options: Any
) -> list[Receipt | DaveError]:
    """`Client.put_many`."""
    pace = _Pace(driver, _checked(concurrency))
    listed = options.pop("listed")
    put: list[Receipt] = []

    async def one(key: str | bytes, value: str | bytes) -> Receipt | DaveError:
        for number in range(BUSY_TRIES):
            await pace.enter()
            is_busy = False
            try:
                receipt = await client.put(key, value, listed=False, **options)
                is_busy = _met_busy(receipt)
                put.append(receipt)
                return receipt
            except NotStored as error:
                is_busy = _met_busy(error.receipt)
                if not is_busy or number == BUSY_TRIES - 1:
                    return error
            except DaveError as error:
                return error
            finally:
                pace.leave(busy=is_busy)
            await driver.sleep(BUSY_PAUSE_SECONDS * 2**number)
        raise AssertionError("the last try returns")

    pairs = items.items() if isinstance(items, Mapping) else items
    try:
        return await _each(driver, (partial(one, key, value) for key, value in pairs), concurrency)
    finally:
        # Also after being cancelled: what was put is to be found.
        for receipt in put if listed else ():
            client.enlist(receipt)


async def get_all(
    client: "Client", driver: Driver, names: Iterable[str | bytes], concurrency: int, **options: Any
) -> list[Value | DaveError | None]:
    """`Client.get_many`."""

    async def one(name: str | bytes) -> Value | DaveError | None:
        try:
            return await client.get(name, **options)
        except DaveError as error:
            return error

    return await _each(driver, (partial(one, name) for name in names), concurrency)


def _met_busy(receipt: Receipt) -> bool:
    return any(refusal.reason == "busy" for refusal in receipt.refused)


async def _each(
    driver: Driver, calls: Iterable[Callable[[], Coroutine[Any, Any, T]]], concurrency: int
) -> list[T]:
    return await gather(driver, calls, _checked(concurrency))


def _checked(concurrency: int) -> int:
    if not isinstance(concurrency, int) or not 1 <= concurrency <= 1024:
        raise UsageError(f"concurrency is 1 to 1024, not {concurrency!r}")
    return concurrency
