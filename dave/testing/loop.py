"""An asyncio event loop whose time is a simulated world's.

Where another loop would wait for sockets, this one has the world do what comes next: so verbs,
`asyncio.sleep`, `wait_for` and tasks of the code under test all pass through virtual time together,
and an hour takes as long as what happens in it.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from math import ceil
from typing import Any, TypeVar

from dave.errors import UsageError
from dave.names import SECOND, Instant
from dave.testing.clock import Clock

QUIET_SECONDS_MAX = 86_400
"""Virtual seconds for which nobody's turn may come while no task sleeps: more is taken for a wait
without an end."""


T = TypeVar("T")


class NothingComes(AssertionError):
    """The code under test waits for what will not come."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs coroutines in the time of `clock`. While a thread works for one (`asyncio.to_thread`)
    time stands still. Real sockets can be used, but time does not wait for them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._waiter = _WorldSelector(self)
        self.is_woken = False
        """Whether some callback waits for its turn."""
        self.threads = 0
        """Calls in the executor that have not ended."""
        super().__init__(self._waiter)

    def time(self) -> float:
        """Seconds on the world's clock."""
        return self.clock.now / SECOND

    def call_soon(  # type: ignore[override]
        self, *args: Any, **options: Any
    ) -> asyncio.Handle:
        """As asyncio's: it is what ends a wait."""
        self.is_woken = True
        return super().call_soon(*args, **options)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        """As asyncio's; time stands still until it has ended."""
        future: asyncio.Future[Any] = super().run_in_executor(executor, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        """As asyncio's, which waits for a thread."""
        self.threads += 1
        try:
            await super().shutdown_default_executor(*args)
        finally:
            self.threads -= 1

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns, from outside of all coroutines. Raises UsageError inside, and
        once the loop is closed."""
        if self.is_closed():
            coroutine.close()
            raise UsageError("the network is closed, and so is every client of it")
        if self.is_running():
            coroutine.close()
            raise UsageError(
                "this blocks, and a coroutine runs: use `async with net.connect(...)` in it, and "
                "`await asyncio.sleep(seconds)` to let time pass"
            )
        return self.run_until_complete(coroutine)

    def check_runs(self) -> None:
        """Raises UsageError if the caller is a coroutine of another loop."""
        if asyncio.get_running_loop() is not self:
            raise UsageError(
                "this coroutine runs in an event loop with real time: have it run by net.run(...), "
                "or in an `async def` test that takes the fixture dave_network and that no other "
                "plugin runs (pytest-asyncio does so in its auto mode)"
            )

    def close(self) -> None:
        """End all tasks and threads, then the loop."""
        if self.is_closed():
            return
        try:
            tasks = asyncio.all_tasks(self)
            for task in sorted(tasks, key=lambda task: task.get_name()):
                task.cancel()
            if tasks:
                self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.run_until_complete(self.shutdown_asyncgens())
            self.run_until_complete(self.shutdown_default_executor())
        finally:
            super().close()

    def _thread_ended(self, _: "asyncio.Future[Any]") -> None:
        self.threads -= 1


class _WorldSelector(selectors.DefaultSelector):
    """Waits by having the world go on."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready at real sockets; else time passes until a callback is to be called."""
        loop, clock = self._loop, self._loop.clock
        if loop.threads and timeout != 0:
            return super().select()
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        loop.is_woken = False
        seconds = QUIET_SECONDS_MAX if timeout is None else timeout
        until: Instant = clock.now + ceil(seconds * SECOND)
        while clock.step(until):
            if loop.is_woken:
                return []
        if timeout is None:
            raise NothingComes(
                f"nobody's turn has come for {QUIET_SECONDS_MAX} s of virtual time, and no task "
                "sleeps: the test waits for what will not come"
            )
        return []
