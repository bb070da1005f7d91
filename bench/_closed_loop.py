"""The same client loop for Dave and its rival: one verb after another, then 32 in flight."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

LATENCY_PUTS = 400
LATENCY_GETS = 1_500
RATE_PUTS = 2_000
RATE_GETS = 5_000
IN_FLIGHT = 32
WARM = 100


class System(Protocol):
    """A network of nodes seen through one client in this process. Values are named by number."""

    async def put(self, number: int) -> None: ...
    async def get(self, number: int) -> None: ...
    async def settle(self) -> None:
        """Until every copy under way is made or refused."""

    def cpu_seconds(self) -> float: ...


class Figures(NamedTuple):
    """What is measured of a system."""

    put_p50_ms: float
    put_p99_ms: float
    get_p50_ms: float
    get_p99_ms: float
    puts_per_second: float
    gets_per_second: float
    put_cpu_seconds: float
    """Of all nodes and the client, for 1,000 puts."""
    get_cpu_seconds: float


async def measure(system: System) -> Figures:
    """All of it; the system's nodes know each other."""
    for number in range(WARM):
        await system.put(number)
        await system.get(number)
    await system.settle()
    puts = [await timed(system.put, WARM + n) for n in range(LATENCY_PUTS)]
    await system.settle()
    gets = [await timed(system.get, WARM + n % LATENCY_PUTS) for n in range(LATENCY_GETS)]
    first = WARM + LATENCY_PUTS
    put_rate, put_cpu = await _rate(system, system.put, range(first, first + RATE_PUTS))
    numbers = [first + n % RATE_PUTS for n in range(RATE_GETS)]
    get_rate, get_cpu = await _rate(system, system.get, numbers)
    return Figures(
        at(puts, 0.5), at(puts, 0.99), at(gets, 0.5), at(gets, 0.99),
        put_rate, get_rate, put_cpu, get_cpu,
    )  # fmt: skip


async def timed(verb: Callable[[int], Awaitable[object]], number: int) -> float:
    """Milliseconds that it took."""
    began = time.perf_counter()
    await verb(number)
    return (time.perf_counter() - began) * 1e3


def at(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def _rate(
    system: System, verb: Callable[[int], Awaitable[object]], numbers: "range | list[int]"
) -> tuple[float, float]:
    """Verbs a second with 32 in flight until all copies are made, and CPU-seconds for 1,000."""
    left = iter(numbers)

    async def work() -> None:
        for number in left:
            await verb(number)

    cpu, began = system.cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    await system.settle()
    seconds = time.perf_counter() - began
    return len(numbers) / seconds, (system.cpu_seconds() - cpu) / len(numbers) * 1000
