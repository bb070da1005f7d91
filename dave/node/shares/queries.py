"""Two short questions about shares: which of a stripe do you hold, and drop an upload:
`core.share_queries`."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dave.errors import WireError
from dave.names import Instant
from dave.node.requests import Peer
from dave.node.streams import StreamEnd
from dave.node.timers import Timer
from dave.wire import shares
from dave.wire.stripe import Release, StripeRecord

if TYPE_CHECKING:
    from dave.node.core import Core

HeldShares = tuple[StripeRecord, int]
"""A record whose signature is not checked, and which shares are held: bit i for share i."""


class ShareQueries:
    """Each is answered once, by a result or by None: no answer, or none that makes sense."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    def held(
        self,
        peer: Peer,
        stripe_ids: Sequence[bytes],
        done: Callable[[list[HeldShares | None] | None, Instant], None],
        now: Instant,
        deadline: Instant | None = None,
    ) -> "Query":
        """Which shares of these stripes, at most STRIPES_ASKED_MAX, a node says it holds."""

        def read(data: bytes) -> list[HeldShares | None]:
            found: list[HeldShares | None] = []
            told = shares.read_stripes_piece(data, len(stripe_ids))
            for stripe_id, held in zip(stripe_ids, told, strict=True):
                record = None if held is None else StripeRecord(held.record)
                if record is None or held is None:
                    found.append(None)
                elif record.stripe_id != stripe_id or held.mask >> record.n:
                    raise WireError("another stripe than was asked after")
                else:
                    found.append((record, held.mask))
            return found

        return Query(
            self._core, peer, shares.stripes_request(stripe_ids), read, done, now, deadline
        )

    def release(
        self,
        peer: Peer,
        release: Release,
        done: Callable[[int | None, Instant], None],
        now: Instant,
        deadline: Instant | None = None,
    ) -> "Query":
        """Have a node drop an upload; how many records that were."""
        request = shares.release_request(release.data)
        return Query(self._core, peer, request, shares.read_count_piece, done, now, deadline)


class Query:
    """A request whose answer is one piece."""

    __slots__ = ("_done", "_read", "_result", "_stream")

    def __init__(
        self, core: "Core", peer: Peer, request: bytes, read: Callable[[bytes], Any],
        done: Callable[[Any, Instant], None], now: Instant, deadline: Instant | None,
    ) -> None:  # fmt: skip
        self._read = read
        self._result: Any = None
        self._done: Callable[[Any, Instant], None] | None = done
        self._stream = core.streams.open(peer, request, self, now)
        if deadline is not None:
            core.timers.set(deadline, Timer.DEADLINE, self)

    def cancel(self) -> None:
        """Nobody wants to know."""
        self._done = None
        self._stream.cancel()

    def on_deadline(self, now: Instant) -> None:
        """That was too long."""
        if self._done is not None:
            self._stream.cancel()
            self._finish(None, now)

    def on_piece(self, data: bytes, now: Instant) -> None:
        """The answer."""
        try:
            self._result = self._read(data)
        except WireError:
            self._stream.cancel()
            self._finish(None, now)
        else:
            self._stream.consumed(len(data))

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        """And that was all."""
        self._finish(self._result, now)

    def _finish(self, result: Any, now: Instant) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(result, now)
