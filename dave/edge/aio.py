"""Drives a core under asyncio: readers for its sockets, one timer, and its effects carried out.

Everything runs in the loop's thread, so that no core is ever entered twice. Whatever takes long is
handed over: signatures to the verifier's processes, records to the journal's thread, stamps to a
thread of the loop's executor.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from dave.edge.driver import BaseDriver, Progress
from dave.edge.limits import SEARCH_AT_ONCE_HASHES
from dave.edge.search import find_stamp, has_kernel
from dave.edge.transport import send_all
from dave.edge.udp import UdpSocket
from dave.effects import Dial, Effect, HangUp, NodeEffect, Resolve, Transmit
from dave.errors import UsageError
from dave.names import SECOND, Instant
from dave.node.client import Client as Core

if TYPE_CHECKING:
    from dave.edge.bulk import BulkSockets

T = TypeVar("T")


class Worker(Protocol):
    """Does what only a node asks for: signatures and records (edge/node.py)."""

    def carry_out(self, effect: NodeEffect) -> None: ...

    def settle(self) -> None:
        """All effects of a round are handed over; results may be given to the core at once."""


class Flag:
    """A signal between tasks: see `Signal` in edge/driver.py."""

    __slots__ = ("_is_set", "_loop", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Let the task that waits go on."""
        self._is_set = True
        self._wake()

    async def wait(self, seconds: float | None = None) -> None:
        """Until it is set, or so much time has passed; it is not set any more then."""
        if not self._is_set:
            self._waiter = self._loop.create_future()
            alarm = None if seconds is None else self._loop.call_later(seconds, self._wake)
            try:
                await self._waiter
            finally:
                if alarm is not None:
                    alarm.cancel()
                self._waiter = None
        self._is_set = False

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class LoopDriver(BaseDriver):
    """What a driver does by an event loop: results, tasks and signals. Whoever adds datagrams and
    time to it calls `resolve` (here by sockets, in dave/testing/ by a simulated host)."""

    def __init__(self, core: Core, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(core)
        self._loop = loop
        self._waiting: dict[int, list[asyncio.Future[Any]]] = {}
        self.is_closed = False
        """No verb runs any more."""

    async def wait(self, operation: int) -> Any:
        """The result of an operation of the core."""
        if operation in self._results:
            return self._results.pop(operation)
        if self.is_closed:
            raise UsageError("the client is closed: use it inside `async with dave.connect(...)`")
        # Several may wait for one result, and each may stop waiting.
        future = self._loop.create_future()
        self._waiting.setdefault(operation, []).append(future)
        try:
            return await future
        except asyncio.CancelledError:
            futures = self._waiting.get(operation, [])
            if future in futures:
                futures.remove(future)
            if not futures:
                self._waiting.pop(operation, None)
            raise

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task beside the caller's; what it raises is for whoever joins it."""
        task = self._loop.create_task(coroutine)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def join(self, task: asyncio.Task[Any]) -> Any:
        """What a task returns, once it has ended; raises what it raised."""
        return await asyncio.shield(task)

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        await asyncio.sleep(seconds)

    def signal(self) -> Flag:
        """What tasks tell each other by."""
        return Flag(self._loop)

    def resolve(self, effect: Resolve) -> None:
        """An operation of the core has ended."""
        futures = self._waiting.pop(effect.operation, [])
        for future in futures:
            if not future.done():
                future.set_result(effect.result)
        if not futures:
            self._keep(effect.operation, effect.result)

    def cancel_all(self) -> None:
        """Cancel all who wait: nothing will come any more."""
        self.is_closed = True
        for futures in self._waiting.values():
            for future in futures:
                future.cancel()


class Runner(LoopDriver):
    """Carries one core's datagrams, time and effects; `worker` takes those that only a node has."""

    def __init__(
        self, core: Core, sockets: Sequence[UdpSocket], worker: Worker | None = None
    ) -> None:
        super().__init__(core, asyncio.get_running_loop())
        self.sockets = sockets
        self._worker = worker
        self._bulk: BulkSockets | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._armed_for: Instant | None = None
        self._writing = False
        self._is_flushing = False
        for socket in sockets:
            self._loop.add_reader(socket.fileno(), self._readable, socket)

    @property
    def bulk(self) -> "BulkSockets":
        """The bulk channel's sockets; made at first use."""
        if self._bulk is None:
            from dave.edge.bulk import BulkSockets

            self._bulk = BulkSockets(self.core.streams, self.now, self.flush, self._loop)
        return self._bulk

    async def offload(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns that computes or reads for long: it runs in a thread. Once begun
        it goes on to its end, whoever is cancelled."""
        return await self._loop.run_in_executor(None, partial(function, *arguments))

    async def search(
        self, prefix: bytes, work: int, progress: Progress | None
    ) -> tuple[bytes, int]:
        """Search a stamp, a larger one in a thread; cancelling the task ends the search."""
        if work <= SEARCH_AT_ONCE_HASHES and has_kernel():
            return find_stamp(prefix, work)
        stop = threading.Event()

        def report(done: int, rate: float, left: float) -> None:
            if progress is not None:
                self._loop.call_soon_threadsafe(partial(progress, done, rate, left))

        search = partial(find_stamp, prefix, work, cancelled=stop.is_set, progress=report)
        try:
            return await self._loop.run_in_executor(None, search)
        finally:
            stop.set()

    def flush(self) -> None:
        """Carry out what the core wants done, and set the one timer."""
        if self._is_flushing or self.is_closed:
            return
        self._is_flushing = True
        try:
            while effects := self.core.take_effects():
                for effect in effects:
                    self._do(effect)
                if self._worker is not None:
                    self._worker.settle()
        finally:
            self._is_flushing = False
        datagrams = self.core.datagrams_to_send()
        if datagrams:
            send_all(self.sockets, datagrams)
            self._watch_writable()
        due = self.core.get_timer()
        if due is not None and (self._armed_for is None or due < self._armed_for):
            self._arm(due)

    def close(self) -> None:
        """Stop reading, and close the sockets. Who waits is cancelled."""
        self.is_closed = True
        if self._alarm is not None:
            self._alarm.cancel()
        for socket in self.sockets:
            self._loop.remove_reader(socket.fileno())
            self._loop.remove_writer(socket.fileno())
            socket.close()
        if self._bulk is not None:
            self._bulk.close()
        self.cancel_all()

    def _do(self, effect: Effect) -> None:
        if isinstance(effect, Resolve):
            self.resolve(effect)
        elif isinstance(effect, Dial | Transmit | HangUp):
            self.bulk.carry_out(effect)
        else:
            assert self._worker is not None, "a client asks for nothing else"
            self._worker.carry_out(effect)

    def _readable(self, socket: UdpSocket) -> None:
        receive, now = self.core.receive_datagram, self._clock.now()
        for data, address in socket.receive():
            receive(data, address, now)
        self.flush()

    def _watch_writable(self) -> None:
        wanted = any(socket.wants_write for socket in self.sockets)
        if wanted and not self._writing:
            for socket in self.sockets:
                self._loop.add_writer(socket.fileno(), self._writable)
        elif not wanted and self._writing:
            for socket in self.sockets:
                self._loop.remove_writer(socket.fileno())
        self._writing = wanted

    def _writable(self) -> None:
        for socket in self.sockets:
            socket.flush()
        self._watch_writable()

    def _arm(self, due: Instant) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._armed_for = due
        self._alarm = self._loop.call_later(max(0, due - self._clock.now()) / SECOND, self._ring)

    def _ring(self) -> None:
        self._alarm = self._armed_for = None
        now = self.now()
        self.core.handle_timer(now)
        self.flush()
