"""What carries a client's core: the interface between the verbs and the two ways to drive them, and
what the two have in common."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

from dave.edge.addresses import format_address
from dave.edge.clock import Clock
from dave.edge.limits import RESULTS_KEPT
from dave.names import Instant
from dave.node import client as core

T = TypeVar("T")

Progress = Callable[[int, float, float], None]
"""Called now and then during a stamp search: hashes done, hashes/s, expected seconds left."""


class Signal(Protocol):
    """What one task waits for and others set. Setting it while nobody waits is remembered."""

    def set(self) -> None: ...
    async def wait(self, seconds: float | None = None) -> None:
        """Until it is set, or so much time has passed; it is not set any more then."""


class Driver(Protocol):
    """What carries a core's datagrams, time and effects."""

    core: core.Client

    def now(self) -> Instant: ...
    def flush(self) -> None: ...
    async def wait(self, operation: int) -> Any: ...
    async def search(
        self, prefix: bytes, work: int, progress: Progress | None
    ) -> tuple[bytes, int]: ...
    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> Any: ...
    async def join(self, task: Any) -> Any: ...
    async def sleep(self, seconds: float) -> None: ...
    def signal(self) -> Signal: ...
    async def offload(self, function: Callable[..., T], *arguments: Any) -> T: ...
    def edges_text(self) -> str: ...


class Blocking(Protocol):
    """A driver whose verbs can be waited for outside of coroutines."""

    is_closed: bool

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T: ...
    def close(self) -> None: ...


class BaseDriver:
    """A core, its clock, and the results that nobody has asked for yet."""

    def __init__(self, core: core.Client) -> None:
        self.core = core
        self._clock = Clock()
        self._results: dict[int, Any] = {}
        self.now()

    def now(self) -> Instant:
        """Nanoseconds on the monotonic clock; keeps the core's wall clock true."""
        now = self._clock.now()
        self.core.wall_offset_ms = self._clock.offset_ms(now)
        return now

    def edges_text(self) -> str:
        """The edges, for a person."""
        return ", ".join(format_address(edge.address) for edge in self.core.edges)

    def _keep(self, operation: int, result: Any) -> None:
        """Of results that nobody ever asks for, the oldest go."""
        self._results[operation] = result
        while len(self._results) > RESULTS_KEPT:
            del self._results[next(iter(self._results))]


async def gather(
    driver: Driver, calls: Iterable[Callable[[], Coroutine[Any, Any, T]]], at_once: int
) -> list[T]:
    """What the calls return, in order, at most `at_once` under way. After one has raised, which is
    raised here, no more are begun."""
    todo = enumerate(calls)
    results: dict[int, T] = {}
    failed = False

    async def work() -> None:
        nonlocal failed
        for number, call in todo:
            if failed:
                return
            try:
                results[number] = await call()
            except BaseException:
                failed = True
                raise

    workers = [driver.spawn(work()) for _ in range(at_once)]
    try:
        for worker in workers:
            await driver.join(worker)
    finally:
        for worker in workers:
            worker.cancel()
    return [results[number] for number in sorted(results)]
