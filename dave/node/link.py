"""One connection of the bulk channel: its handshake, and all streams that share it.

Nothing is sealed before the world has room for it (`pull`), and no piece is made before it can be
sealed. So what waits here is a few small frames, and one piece for each stream that we answer.
Streams take turns, frame by frame.
"""

from functools import partial
from typing import Protocol

from dave.bulk_limits import (
    LINK_IDLE_SECONDS,
    LINK_KEEP_SECONDS,
    LINK_OPEN_SECONDS,
    LINK_QUEUE_MAX,
    LINK_SILENT_SECONDS,
    LINK_SLICE_BYTES,
    LINK_SLICE_FRAMES,
    STREAM_SECONDS_MAX,
    STREAM_STALL_SECONDS,
)
from dave.drops import Drop
from dave.errors import WireError
from dave.names import SECOND, Address, Instant
from dave.node.streams import LiveSource, Served, Source, Stream, StreamEnd
from dave.session.channel import Channel
from dave.wire import bulk


class Owner(Protocol):
    """What a connection needs of the table it stands in (bulk.py)."""

    def transmit(self, link: "Link") -> None: ...
    def makes_way(self, link: "Link") -> bool: ...
    def proven(self, link: "Link", now: Instant) -> None: ...
    def source_for(self, link: "Link", request: bytes, now: Instant) -> Source | None: ...
    def released(self, link: "Link") -> None: ...
    def drop(self, reason: Drop) -> None: ...


class Link:
    """A connection; `is_dialled`: by us."""

    __slots__ = (
        "_asked",
        "_number",
        "_owner",
        "_queue",
        "_ready",
        "_served",
        "_stray",
        "_stuck",
        "_waits",
        "address",
        "channel",
        "heard",
        "is_connected",
        "is_dialled",
        "is_over",
        "is_proven",
        "made",
        "number",
        "sent",
        "used",
    )

    def __init__(
        self, owner: Owner, number: int, channel: Channel, address: Address,
        is_dialled: bool, now: Instant,
    ) -> None:  # fmt: skip
        self._owner = owner
        self.number = number
        self.channel = channel
        self.address = address
        self.is_dialled = is_dialled
        self.is_connected = not is_dialled
        self.is_proven = False
        """Whether the peer has shown that it has its key."""
        self.is_over = False
        self.made = self.heard = self.sent = self.used = now
        """When it was made; something came; something was taken; a stream was open."""
        self._number = 0
        self._waits = False
        """Whether the world was told that there is something to send."""
        self._queue: list[bytes] = []
        self._asked: dict[int, Stream] = {}
        self._served: dict[int, Served] = {}
        self._ready: dict[int, Served] = {}
        """Of the served those that may have a frame to send, in turn."""
        self._stuck: Instant | None = None
        """Since when the world has had no room for what waits, as far as was looked."""
        self._stray = 0
        """Bytes that may still come for streams that were cancelled."""

    @property
    def streams(self) -> int:
        """Streams open either way."""
        return len(self._asked) + len(self._served)

    @property
    def rests(self) -> bool:
        """Whether nobody would miss it: no stream is open either way, but such as rest."""
        sources = [served.source for served in self._served.values()]
        if not all(isinstance(source, LiveSource) and source.rests() for source in sources):
            return False
        return all(stream.rests() for stream in self._asked.values())

    @property
    def asked(self) -> int:
        """Streams that we asked for."""
        return len(self._asked)

    @property
    def served(self) -> int:
        """Streams that we answer."""
        return len(self._served)

    def give_way(self) -> None:
        """End the oldest stream that we answer: others have none."""
        number = next(iter(self._served))
        self._release(number)
        self.send(bulk.End(number, StreamEnd.BUSY).encode())

    def ask(self, stream: Stream, now: Instant) -> None:
        """Open a stream."""
        self.heard = self.used = now  # from now on the peer should be heard
        self._number += 1
        self._asked[self._number] = stream
        stream.start(self, self._number)

    def send(self, frame: bytes) -> None:
        """Queue a small frame."""
        self._queue.append(frame)
        self._wake()

    def forget(self, stream: Stream) -> None:
        """A stream of ours was cancelled."""
        if self._asked.pop(stream.number, None) is not None:
            self._stray += stream.room
            self.send(bulk.Cancel(stream.number).encode())

    def connected(self, now: Instant) -> None:
        """The connection that we dialled is there."""
        self.is_connected = True
        self._wake()

    def pull(self, now: Instant) -> bytes:
        """What to send next, about LINK_SLICE_BYTES at most; empty: nothing, until the next effect
        Transmit."""
        channel, out, size = self.channel, list[bytes](), 0
        self._stuck = None
        if channel.handshake:
            out.append(channel.handshake)
            channel.handshake = b""
        if channel.can_seal:
            queue, self._queue = self._queue, []
            out += map(channel.seal, queue)
            for _ in range(LINK_SLICE_FRAMES):
                if not self._ready or size >= LINK_SLICE_BYTES:
                    break
                frame = self._next_frame(now)
                if frame is not None:
                    out.append(channel.seal(frame))
                    size += len(frame)
            if not out and self._ready:
                out.append(channel.seal(bulk.Keep().encode()))  # or nobody would pull again
        if out:
            self.sent = now
        else:
            self._waits = False
        return b"".join(out)

    def receive(self, data: bytes, now: Instant) -> None:
        """Bytes came. Raises WireError for what no peer may send: hang up."""
        self.heard = now
        channel, could_seal = self.channel, self.channel.can_seal
        frames = channel.receive(data)
        if channel.can_seal and not could_seal:
            if self.is_dialled and not self._queue:
                self._queue.append(bulk.Keep().encode())  # the other side waits for a frame
            self._wake()
        if channel.is_proven and not self.is_proven:
            self.is_proven = True
            self._owner.proven(self, now)
        for frame in frames:
            self._on_frame(bulk.decode(frame), now)
            if self.is_over:
                return

    def end(self, end: StreamEnd, now: Instant) -> None:
        """The connection is gone, and all streams with it."""
        self.is_over = True
        asked, self._asked = self._asked, {}
        for number in [*self._served]:
            self._release(number)
        for stream in asked.values():
            stream.end(end, now)

    def look(self, now: Instant) -> StreamEnd | None:
        """What has to be done by the clock; how the link ends, if it does."""
        if not self.is_proven:
            late = now - self.made >= LINK_OPEN_SECONDS * SECOND
            return StreamEnd.NO_ANSWER if late else None
        for number, served in [*self._served.items()]:
            if served.is_waiting:
                served.moved = now
            is_stalled = now - served.moved >= STREAM_STALL_SECONDS * SECOND
            if is_stalled or now - served.made >= STREAM_SECONDS_MAX * SECOND:
                self._release(number)
                self.send(bulk.End(number, StreamEnd.BROKEN).encode())
        if self._waits:
            self._stuck = now if self._stuck is None else self._stuck
            if now - self._stuck >= LINK_SILENT_SECONDS * SECOND:
                return StreamEnd.BROKEN
        if self.streams:
            self.used = now
            if now - self.heard >= LINK_SILENT_SECONDS * SECOND:
                return StreamEnd.BROKEN
            if now - self.sent >= LINK_KEEP_SECONDS * SECOND and not self._waits:
                self.send(bulk.Keep().encode())
        idle = LINK_IDLE_SECONDS if self.is_dialled else LINK_IDLE_SECONDS * 3 // 2
        return StreamEnd.DONE if now - self.used >= idle * SECOND else None

    def _on_frame(self, frame: bulk.Frame, now: Instant) -> None:
        if isinstance(frame, bulk.Piece | bulk.More):
            stream = self._asked.get(frame.stream)
            if stream is None:
                self._on_stray(len(frame.data))
            elif isinstance(frame, bulk.Piece):
                stream.begin(frame, now)
            else:
                stream.go_on(frame.data, now)
        elif isinstance(frame, bulk.Open):
            self._on_open(frame, now)
        elif isinstance(frame, bulk.Credit):
            if (served := self._served.get(frame.stream)) is not None:
                served.add_credit(frame.more, now)
                self._ready[frame.stream] = served
                self._wake()
        elif isinstance(frame, bulk.End):
            if (ended := self._asked.pop(frame.stream, None)) is not None:
                self.used = now
                ended.end(StreamEnd(frame.end), now)
        elif isinstance(frame, bulk.Cancel) and frame.stream in self._served:
            self._release(frame.stream)

    def _on_stray(self, count: int) -> None:
        self._stray -= count
        if self._stray < 0:
            raise WireError("a piece for a stream that nobody opened")

    def _on_open(self, frame: bulk.Open, now: Instant) -> None:
        if len(self._queue) >= LINK_QUEUE_MAX:
            raise WireError("asks much and reads nothing")
        self.used = now
        if frame.stream in self._served:
            raise WireError("a stream opened twice")
        if not self._owner.makes_way(self):
            self._owner.drop(Drop.BULK_FULL)
            self.send(bulk.End(frame.stream, StreamEnd.BUSY).encode())
            return
        source = self._owner.source_for(self, frame.request, now)
        if source is None:
            self.send(bulk.End(frame.stream, StreamEnd.REFUSED).encode())
            return
        served = Served(frame.stream, frame.window, source, now)
        self._served[frame.stream] = self._ready[frame.stream] = served
        if isinstance(source, LiveSource):
            source.wake = partial(self._woken, served)
        self._wake()

    def _woken(self, served: Served) -> None:
        """A source that had nothing to say has something."""
        if served.is_waiting and self._served.get(served.number) is served:
            served.is_waiting = False
            self._ready[served.number] = served
            self._wake()

    def _next_frame(self, now: Instant) -> bytes | None:
        number = next(iter(self._ready))
        served = self._ready.pop(number)
        made = served.next_frame(now)
        if made is None:
            return None
        frame, is_last = made
        if is_last:
            self.used = now
            self._release(number)
        else:
            self._ready[number] = served
        return frame

    def _release(self, number: int) -> None:
        self._ready.pop(number, None)
        served = self._served.pop(number)
        self._owner.released(self)
        served.source.close()

    def _wake(self) -> None:
        if self.is_connected and not self._waits and not self.is_over:
            self._waits = True
            self._owner.transmit(self)
