"""Drives a client's core without an event loop: a select loop that runs while somebody waits.

It is what `connect_sync` and the command line use. Its `wait` is a coroutine that never suspends,
so that the verbs of edge/client.py, written for asyncio, run to their end in one step.
"""

import selectors
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from dave.edge.client import Client
from dave.edge.driver import BaseDriver, Progress
from dave.edge.limits import TIMER_SLACK_MS
from dave.edge.receipt import Receipt
from dave.edge.search import find_stamp
from dave.edge.transport import send_all
from dave.edge.udp import UdpSocket
from dave.effects import Resolve
from dave.errors import UsageError
from dave.names import MS, SECOND
from dave.node.client import Client as Core

if TYPE_CHECKING:
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
        self._is_closed = False
        self._writing = False

    async def wait(self, operation: int) -> Any:
        """Run the core until an operation is resolved; returns its result."""
        while operation not in self._results:
            if self._is_closed:
                raise UsageError("the client is closed: use it inside `with`, or before close()")
            self._step()
        return self._results.pop(operation)

    async def search(
        self, prefix: bytes, work: int, progress: Progress | None
    ) -> tuple[bytes, int]:
        """Search a stamp in the caller's thread; Ctrl-C ends it."""
        return find_stamp(prefix, work, progress=progress)

    def flush(self) -> None:
        """Carry out what the core wants done."""
        if self._is_closed:
            return
        send_all(self._sockets, self.core.datagrams_to_send())
        for effect in self.core.take_effects():
            assert isinstance(effect, Resolve), "a client asks for nothing else"
            self._keep(effect.operation, effect.result)

    def close(self) -> None:
        """Close the sockets."""
        self._is_closed = True
        self._selector.close()
        for socket in self._sockets:
            socket.close()

    def _step(self) -> None:
        due, now = self.core.get_timer(), self._clock.now()
        patience = None if due is None else max(0.0, (due + SLACK - now) / SECOND)
        self._watch_writable()
        ready = self._selector.select(patience)
        now = self.now()
        for key, _ in ready:
            if key.data.wants_write:
                key.data.flush()
            for data, address in key.data.receive():
                self.core.receive_datagram(data, address, now)
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

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt

    def settled(self) -> "SyncReceipt":
        """Wait until every node that was asked has answered or the time is used up."""
        run(self._receipt.settled())
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._receipt, name)

    def __repr__(self) -> str:
        return repr(self._receipt)


class SyncClient:
    """The verbs of `Client`, blocking. Made by `dave.connect_sync`; not for several threads."""

    def __init__(self, client: Client, driver: BlockingDriver) -> None:
        self._client = client
        self._driver = driver
        self.get = _blocking(client.get)
        self.check = _blocking(client.check)
        self._put = _blocking(client.put)
        self._delete = _blocking(client.delete)

    @property
    def trace(self) -> list[Any]:
        """The steps of the last lookup."""
        return self._client.trace

    def put(self, *args: Any, **options: Any) -> SyncReceipt:
        """As `Client.put`; returns at quorum."""
        return SyncReceipt(self._put(*args, **options))

    def delete(self, *args: Any, **options: Any) -> SyncReceipt:
        """As `Client.delete`."""
        return SyncReceipt(self._delete(*args, **options))

    def watch(self, *args: Any, **options: Any) -> "SyncWatch":
        """As `Client.watch`."""
        from dave.edge.watch import SyncWatch

        return SyncWatch(self._client.watch(*args, **options))

    def close(self) -> None:
        """Close the sockets."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine whose waits all block, so that it never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("a wait of the blocking driver suspended")


def _blocking(verb: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    def call(*args: P.args, **options: P.kwargs) -> T:
        return run(verb(*args, **options))

    call.__doc__ = verb.__doc__
    return call
