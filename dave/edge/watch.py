"""What `watch` gives back: the changes of one entry, one after another."""

from types import TracebackType
from typing import NamedTuple, Self

from dave.crypto.hashes import entry_id_of
from dave.edge.driver import Blocking, Driver
from dave.edge.failures import network_error
from dave.edge.receipt import Value, value_of
from dave.names import HybridTime, Owner
from dave.node.watch import Event, WatchOperation
from dave.uri import format_uri


class Change(NamedTuple):
    """A version that was seen, or the end of one."""

    uri: str
    """dave://OWNER/KEY."""
    entry: Value | None
    """None: deleted, or expired."""
    gone: str
    """"deleted", "expired", or nothing while it stands."""
    time: HybridTime
    """When its owner wrote the version, or deleted it; of one that has expired, when it was
    written."""
    expires: float
    """Unix seconds: when the version comes to its end, or came."""
    skipped: int
    """Versions between the last change and this one that were not seen, as far as nodes that were
    watched have counted them."""


class Watch:
    """An asynchronous iterator over the changes of an entry. The first is what stands now, if
    anything does; it never ends by itself. Nothing is sent before the first is asked for.

    Leave it by `close`, or use it as a context manager: then the nodes stop at once, else when the
    lease lapses.
    """

    def __init__(self, driver: Driver, owner: Owner, key: bytes, timeout: float, kept: int) -> None:
        self._driver = driver
        self._owner = owner
        self._key = key
        self._timeout = timeout
        self._kept = kept
        self._operation: WatchOperation | None = None
        self._is_closed = False

    @property
    def uri(self) -> str:
        """dave://OWNER/KEY."""
        return format_uri(self._owner, self._key)

    @property
    def leases(self) -> int:
        """How many nodes have promised to tell of new versions. At 0 they are asked instead, every
        ten seconds."""
        return 0 if self._operation is None else self._operation.leases

    async def started(self) -> bool:
        """Wait until the first look at the network has ended; whether a change waits to be read.

        Raises Unreachable or OtherNetwork where nobody of this network answered.
        """
        operation = self._start()
        while not operation.events and not operation.has_looked:
            await self._driver.wait(operation.wake)
        self._check_reached(operation)
        return bool(operation.events)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        operation = self._start()
        while not operation.events:
            if self._is_closed:
                raise StopAsyncIteration
            self._check_reached(operation)
            await self._driver.wait(operation.wake)
        return self._change(operation.events.popleft())

    def close(self) -> None:
        """Stop watching, and tell the nodes."""
        if self._operation is not None and not self._is_closed:
            self._is_closed = True
            self._driver.core.unwatch(self._operation, self._driver.now())
            self._driver.flush()
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> WatchOperation:
        if self._operation is None:
            driver = self._driver
            now = driver.now()
            entry_id = entry_id_of(self._owner, self._key)
            deadline = now + int(self._timeout * 1e9)
            self._operation = driver.core.watch(entry_id, now, deadline, self._kept)
            driver.flush()
        return self._operation

    def _check_reached(self, operation: WatchOperation) -> None:
        """Raise where the first look reached nobody, and end the watch."""
        if operation.unreachable is not None and not operation.events:
            reasons = [reason for _, reason in operation.unreachable.failures]
            self.close()
            raise network_error(reasons, self._driver.edges_text())

    def _change(self, event: Event) -> Change:
        entry = event.entry
        value = None
        if not event.is_gone:
            value = value_of(entry, self._driver.core.network, 1, 0.0)
        gone = "" if not event.is_gone else "deleted" if entry.is_tombstone else "expired"
        return Change(self.uri, value, gone, entry.time, entry.expires_ms / 1000, event.skipped)


class SyncWatch:
    """The changes of an entry, blocking: `for change in client.watch(...)`; else as `Watch`. What
    comes while nobody waits is seen at the next step."""

    def __init__(self, watch: Watch, driver: Blocking) -> None:
        self._watch = watch
        self._driver = driver

    @property
    def uri(self) -> str:
        """dave://OWNER/KEY."""
        return self._watch.uri

    @property
    def leases(self) -> int:
        """As `Watch.leases`, when somebody waited last."""
        return self._watch.leases

    def started(self) -> bool:
        """As `Watch.started`."""
        return self._driver.run(self._watch.started())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change:
        try:
            return self._driver.run(self._watch.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Stop watching, and tell the nodes."""
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
