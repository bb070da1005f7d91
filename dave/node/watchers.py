"""All watches of one client: each NOTIFY finds the one it is for, by the number on the wire."""

from collections.abc import Callable

from dave.drops import Drop
from dave.errors import WireError
from dave.limits import MESSAGE_HEADER_BYTES
from dave.names import EntryId, Instant
from dave.node.core import Core
from dave.node.watch import WatchOperation
from dave.session.session import Session
from dave.wire import messages
from dave.wire.watching import Notify, NotifyAck


class Watchers:
    """The watches of one client, to which NOTIFY is handed out."""

    def __init__(self, core: Core, new_operation: Callable[[], int]) -> None:
        self._core = core
        self._new_operation = new_operation
        self._by_number: dict[bytes, WatchOperation] = {}

    def __len__(self) -> int:
        return len(self._by_number)

    def begin(
        self, entry_id: EntryId, kept: int, now: Instant, deadline: Instant
    ) -> WatchOperation:
        """Start a watch; see Client.watch."""
        number = self._core.rng.randbytes(4)
        while number in self._by_number:
            number = self._core.rng.randbytes(4)
        operation = WatchOperation(self._core, entry_id, number, kept, self._new_operation)
        self._by_number[number] = operation
        operation.start(now, deadline)
        return operation

    def end(self, operation: WatchOperation, now: Instant) -> None:
        """Stop a watch; ended once more, nothing happens."""
        if self._by_number.pop(operation.number, None) is not None:
            operation.stop(now)

    def on_notify(self, session: Session, data: bytes, now: Instant) -> None:
        """NOTIFY arrived; it is acknowledged in any case, so that who sent it can stop."""
        core = self._core
        if core.refused_in_init(session, now):
            return
        try:
            notify = Notify.read(data)
        except WireError:
            core.drops.add(Drop.WIRE)
            return
        operation = self._by_number.get(notify.watch)
        is_watched = operation is not None and operation.on_notify(session, notify, now)
        answer = messages.encode(data[1:MESSAGE_HEADER_BYTES], NotifyAck(is_watched))
        core.sessions.seal(session, answer, now)
