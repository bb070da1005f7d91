"""Drives a client's core without an event loop: a select loop that runs while somebody waits.

It is what `connect_sync` and the command line use. The verbs of edge/client.py, written for
asyncio, run here as tasks of its own (tasks.py), which go on whenever what they wait for has come.
"""

import selectors
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from dave.edge.client import Client
from dave.edge.driver import BaseDriver, Blocking, Progress
from dave.edge.limits import TIMER_SLACK_MS
from dave.edge.receipt import Receipt
from dave.edge.search import find_stamp
from dave.edge.tasks import Flag, Pause, Task
from dave.edge.transport import send_all
from dave.edge.udp import UdpSocket
from dave.effects import Dial, HangUp, Resolve, Transmit
from dave.errors import DaveError, UsageError
from dave.names import MS, SECOND
from dave.node.client import Client as Core

if TYPE_CHECKING:
    from dave.edge.bulk import BulkSockets
    from dave.edge.files.open import SyncFile
    from dave.edge.select_loop import SelectLoop
    from dave.edge.watch import SyncWatch

SLACK = TIMER_SLACK_MS * MS
P = ParamSpec("P")
T = TypeVar("T")


class BlockingDriver(BaseDriver):
    """Carries one core's datagrams, time and results in the caller's own thread."""

    def __init__(self, core: Core, sockets: Sequence[UdpSocket]) -> None:
        super().__init__(core)
        self._sockets = sockets
        self._selector = selectors.DefaultSelector()
        for socket in sockets:
            self._selector.register(socket, selectors.EVENT_READ, socket)
        self.is_closed = False
        """No verb runs any more."""
        self._writing = False
        self._tasks: list[Task] = []
        self._loop: SelectLoop | None = None
        self._bulk: BulkSockets | None = None

    @property
    def bulk(self) -> "BulkSockets":
        """The bulk channel's sockets; made at first use."""
        if self._bulk is None:
            from dave.edge.bulk import BulkSockets
            from dave.edge.select_loop import SelectLoop

            self._loop = SelectLoop(self._selector, self._clock.now)
            self._bulk = BulkSockets(self.core.streams, self.now, self.flush, self._loop)
        return self._bulk

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, and beside it whatever else is under way."""
        task = self.spawn(coroutine)
        try:
            while not task.is_done:
                if not self._go_on():
                    self._step()
        finally:
            task.cancel()
        result: T = task.result()
        return result

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> Task:
        """A task that goes on whenever a verb waits."""
        task = Task(coroutine)
        self._tasks.append(task)
        return task

    async def join(self, task: Task) -> Any:
        """What a task returns, once it has ended; raises what it raised."""
        await Pause(lambda: task.is_done)
        return task.result()

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        due = self._clock.now() + int(seconds * SECOND)
        await Pause(lambda: self._clock.now() >= due, due)

    def signal(self) -> Flag:
        """What tasks tell each other by."""
        return Flag(self._clock.now)

    async def wait(self, operation: int) -> Any:
        """The result of an operation of the core, once it is resolved."""
        if operation not in self._results:
            if self.is_closed:
                raise UsageError("the client is closed: use it inside `with`, or before close()")
            await Pause(lambda: operation in self._results)
        return self._results.pop(operation)

    async def offload(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function returns; it runs in the caller's thread."""
        return function(*arguments)

    async def search(
        self, prefix: bytes, work: int, progress: Progress | None
    ) -> tuple[bytes, int]:
        """Search a stamp in the caller's thread; Ctrl-C ends it."""
        return find_stamp(prefix, work, progress=progress)

    def flush(self) -> None:
        """Carry out what the core wants done."""
        if self.is_closed:
            return
        while effects := self.core.take_effects():
            for effect in effects:
                if isinstance(effect, Dial | Transmit | HangUp):
                    self.bulk.carry_out(effect)
                else:
                    assert isinstance(effect, Resolve), "a client asks for nothing else"
                    self._keep(effect.operation, effect.result)
        send_all(self._sockets, self.core.datagrams_to_send())

    def close(self) -> None:
        """End what is under way, and close the sockets."""
        self.is_closed = True
        for task in self._tasks:
            task.cancel()
        if self._bulk is not None:
            self._bulk.close()
        self._selector.close()
        for socket in self._sockets:
            socket.close()

    def _go_on(self) -> bool:
        """Run all tasks to their next waits; returns whether any could go on."""
        went = [task.goes_on() for task in tuple(self._tasks) if not task.is_done]
        self._tasks = [task for task in self._tasks if not task.is_done]
        return any(went)

    def _step(self) -> None:
        due, now = self.core.get_timer(), self._clock.now()
        alarms = [task.due for task in self._tasks if task.due is not None]
        if due is not None:
            alarms.append(due + SLACK)
        if self._loop is not None and self._loop.due is not None:
            alarms.append(self._loop.due)
        patience = max(0.0, (min(alarms) - now) / SECOND) if alarms else None
        self._watch_writable()
        ready = self._selector.select(patience)
        now = self.now()
        for key, events in ready:
            source = key.data
            if not isinstance(source, UdpSocket):
                source.call(events)  # TCP: select_loop.py
                continue
            if source.wants_write:
                source.flush()
            for data, address in source.receive():
                self.core.receive_datagram(data, address, now)
        if self._loop is not None:
            self._loop.call_due(now)
        due = self.core.get_timer()
        if due is not None and due + SLACK <= now:
            self.core.handle_timer(now)
        self.flush()

    def _watch_writable(self) -> None:
        wanted = any(socket.wants_write for socket in self._sockets)
        if wanted != self._writing:
            self._writing = wanted
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0)
            for socket in self._sockets:
                self._selector.modify(socket, events, socket)


class SyncReceipt:
    """A receipt whose `settled` blocks; everything else as in `Receipt`."""

    def __init__(self, receipt: Receipt, driver: Blocking) -> None:
        self._receipt = receipt
        self._driver = driver

    def settled(self) -> "SyncReceipt":
        """Wait until every node that was asked has answered or the time is used up."""
        self._driver.run(self._receipt.settled())
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._receipt, name)

    def __repr__(self) -> str:
        return repr(self._receipt)


class SyncClient:
    """The verbs of `Client`, blocking. Made by `dave.connect_sync`; not for several threads."""

    def __init__(self, client: Client, driver: Blocking) -> None:
        self._client = client
        self._driver = driver
        self.get = _blocking(driver, client.get)
        self.check = _blocking(driver, client.check)
        self.ls = _blocking(driver, client.ls)
        self.get_many = _blocking(driver, client.get_many)
        self.get_file = _blocking(driver, client.get_file)
        self.flush = _blocking(driver, client.flush)
        self._put = _blocking(driver, client.put)
        self._put_file = _blocking(driver, client.put_file)
        self._put_many = _blocking(driver, client.put_many)
        self._put_entry = _blocking(driver, client.put_entry)
        self._delete = _blocking(driver, client.delete)
        self.drop_upload = _blocking(driver, client.drop_upload)

    @property
    def trace(self) -> list[Any]:
        """The steps of the last lookup."""
        return self._client.trace

    def put(self, *args: Any, **options: Any) -> SyncReceipt:
        """As `Client.put`; returns at quorum."""
        return SyncReceipt(self._put(*args, **options), self._driver)

    def put_file(self, *args: Any, **options: Any) -> SyncReceipt:
        """As `Client.put_file`; it reads and computes in the caller's thread. The asyncio client
        does so on all cores."""
        return SyncReceipt(self._put_file(*args, **options), self._driver)

    def put_entry(self, *args: Any, **options: Any) -> SyncReceipt:
        """As `Client.put_entry`."""
        return SyncReceipt(self._put_entry(*args, **options), self._driver)

    def put_many(self, *args: Any, **options: Any) -> list[SyncReceipt | DaveError]:
        """As `Client.put_many`."""
        made = self._put_many(*args, **options)
        return [
            each if isinstance(each, DaveError) else SyncReceipt(each, self._driver)
            for each in made
        ]

    def delete(self, *args: Any, **options: Any) -> SyncReceipt:
        """As `Client.delete`."""
        return SyncReceipt(self._delete(*args, **options), self._driver)

    def watch(self, *args: Any, **options: Any) -> "SyncWatch":
        """As `Client.watch`."""
        from dave.edge.watch import SyncWatch

        return SyncWatch(self._client.watch(*args, **options), self._driver)

    def open_file(self, *args: Any, **options: Any) -> "SyncFile | None":
        """As `Client.open_file`; iterating blocks."""
        from dave.edge.files.open import SyncFile

        file = self._driver.run(self._client.open_file(*args, **options))
        return None if file is None else SyncFile(file, self._driver.run)

    def close(self) -> None:
        """Write what the directory still lacks, and close the sockets."""
        try:
            if not self._driver.is_closed:
                self._driver.run(self._client.finish())
        finally:
            self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _blocking(driver: Blocking, verb: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    def call(*args: P.args, **options: P.kwargs) -> T:
        return driver.run(verb(*args, **options))

    call.__doc__ = verb.__doc__
    return call
