"""The way of shares to one node: a lane of uploads, over one stream of offers after the other.

Whatever has no final verdict when a connection breaks, or a stream ends by its age, is offered
again on the next one: what the node has by then it says it holds. So nothing is lost, and little is
sent twice.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from dave.drops import Drop
from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX
from dave.names import SECOND, Address, Instant
from dave.node.requests import Peer
from dave.node.streams import LiveSource, StreamEnd
from dave.node.timers import Timer
from dave.share_limits import (
    OFFER_IDLE_SECONDS,
    OFFERS_OPEN_MAX,
    SHARE_AGAIN_SECONDS,
    SHARE_LOOK_SECONDS,
    SHARE_TRIES,
)
from dave.wire import shares
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Offer, ShareOutcome, Verdict

if TYPE_CHECKING:
    from dave.node.shares.uploads import Uploads

_NOTHING = memoryview(b"")

ShareData = bytes | bytearray | memoryview | Callable[[], bytes | bytearray | memoryview] | None
"""A share, or what makes it: called only if the node wants it, in the loop's thread. None: there is
none at hand, since the node should hold it; should it want it nevertheless, WANTED is the outcome.
"""


class Upload:
    """One share for one node."""

    __slots__ = ("_done", "deadline", "number", "record", "share", "wanted_by")

    def __init__(
        self, record: bytes, number: int, share: ShareData,
        done: Callable[[ShareOutcome, Instant], None], deadline: Instant | None,
    ) -> None:  # fmt: skip
        self.record = record
        self.number = number
        self.share = share
        self.deadline = deadline
        self.wanted_by: Talk | None = None
        """On which stream the node has said that it wants it."""
        self._done: Callable[[ShareOutcome, Instant], None] | None = done

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._done is None

    def cancel(self) -> None:
        """Nobody wants to know how it ends. If the node waits for its bytes they are sent
        nevertheless."""
        self._done = None

    def finish(self, status: ShareStatus, now: Instant, detail: int = 0) -> None:
        """Tell how it ended, once."""
        done, self._done = self._done, None
        if done is not None:
            done(ShareOutcome(status, detail), now)


class Lane:
    """What one node is offered. Lives while there is something to offer, and a little longer."""

    def __init__(self, uploads: "Uploads", name: bytes | Address, peer: Peer, now: Instant) -> None:
        self.uploads = uploads
        self.name = name
        self.peer = peer
        self.waiting: deque[Upload] = deque()
        """Not offered yet on the stream that there is."""
        self._talk: Talk | None = None
        self._begin_at: Instant | None = now
        """When to open the next stream; None: there is one."""
        self._tries = 0
        """Streams in a row that brought nothing forward."""
        self._used = now
        """When something was to be offered."""
        self._next_look = now
        self._look(now)

    def add(self, upload: Upload, now: Instant) -> None:
        """One more."""
        self.waiting.append(upload)
        self._used = now
        if self._talk is not None:
            self._talk.wake()

    def next_offers(self, room: int) -> list[Upload]:
        """The next to be offered, at most `room`."""
        offers: list[Upload] = []
        while self.waiting and len(offers) < room:
            upload = self.waiting.popleft()
            if not upload.is_over:
                offers.append(upload)
        return offers

    def came_forward(self) -> None:
        """A final verdict has come."""
        self._tries = 0

    def closed(self) -> None:
        """The node takes nothing more on this stream; the time is not known."""
        self._look(self._used)

    def broken(self, talk: "Talk", end: StreamEnd, now: Instant) -> None:
        """The stream of offers has ended: what was open is offered again, if that makes sense."""
        self.uploads.ended(talk)
        self._talk = None
        live = [upload for upload in (*talk.open.values(), *self.waiting) if not upload.is_over]
        self.waiting = deque(live)
        if not live:
            self._end()
            return
        self._tries += 1
        if end in (StreamEnd.NO_ANSWER, StreamEnd.REFUSED) or self._tries > SHARE_TRIES:
            status = ShareStatus.BUSY if end is StreamEnd.BUSY else ShareStatus.NO_ANSWER
            self.uploads.left(self)
            for upload in live:
                upload.finish(status, now)
            return
        is_patient = self._tries > 1 or end is StreamEnd.BUSY
        self._begin_at = now + is_patient * SHARE_AGAIN_SECONDS * SECOND
        self._look(self._begin_at)

    def _look(self, when: Instant) -> None:
        """Look after it then; only what was set last counts."""
        self._next_look = when
        self.uploads.core.timers.set(when, Timer.SHARES, partial(self._on_timer, when))

    def _on_timer(self, when: Instant, now: Instant) -> None:
        if when != self._next_look:
            return
        talk = self._talk
        if talk is not None and talk.is_over:
            self.broken(talk, StreamEnd.BROKEN, now)
            return
        for upload in self._known():
            if upload.deadline is not None and now >= upload.deadline:
                upload.finish(ShareStatus.TIMED_OUT, now)
        known = self._known()  # who was told may have offered more
        if not all(upload.is_over for upload in known):
            self._used = now
        elif known or now - self._used >= OFFER_IDLE_SECONDS * SECOND:
            # If there are some, the node may be stuck: nobody waits for it, and shares are large.
            self._end()
            return
        if self._begin_at is not None and now >= self._begin_at:
            self._begin_at = None
            self._talk = Talk(self, now)
        self._look(now + SHARE_LOOK_SECONDS * SECOND)

    def _known(self) -> list[Upload]:
        """All that has no final verdict, offered or not."""
        return [*(self._talk.open.values() if self._talk else ()), *self.waiting]

    def _end(self) -> None:
        if self._talk is not None:
            self._talk.end()
        self._next_look = -1
        self.uploads.left(self)


class Talk(LiveSource):
    """One stream of offers, of which this is the sink, and the one by which the node takes them, of
    which this is the source."""

    __slots__ = (
        "_lane", "_seq", "_share", "_stream", "_wanted", "is_over", "is_taken", "key", "open",
        "token",
    )  # fmt: skip

    def __init__(self, lane: Lane, now: Instant) -> None:
        super().__init__()
        core = lane.uploads.core
        self.token = core.rng.randbytes(shares.TOKEN_BYTES)
        self.key = lane.peer.public_key
        self.is_taken = False
        """Whether the node has opened its stream."""
        self.is_over = False
        self.open: dict[int, Upload] = {}
        """Offered, without a final verdict."""
        self._lane = lane
        self._seq = 0
        self._wanted: dict[int, Upload] = {}
        """Of those the ones to send, in order, by number ..."""
        self._share = _NOTHING
        """... and what is left of the one that is being sent."""
        lane.uploads.begun(self)
        self._stream = core.streams.open(lane.peer, shares.offer_request(self.token), self, now)
        self._stream.rests = self.rests

    def end(self) -> None:
        """Offer nothing more."""
        self.is_over = True
        self._stream.cancel()
        self._lane.uploads.ended(self)
        self._share = _NOTHING
        self._wanted.clear()

    # --- The sink of OFFER -------------------------------------------------------------------

    def on_piece(self, data: bytes, now: Instant) -> None:
        """Verdicts."""
        try:
            for verdict in shares.read_verdicts_piece(data):
                self._on_verdict(verdict, now)
        except WireError:
            self._lane.uploads.core.drops.add(Drop.SHARE_VERDICTS)
            self.end()
            self._lane.broken(self, StreamEnd.REFUSED, now)
            return
        self._stream.consumed(len(data))

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        """No more verdicts come."""
        if not self.is_over:
            self.is_over = True
            self._lane.broken(self, end, now)

    def _on_verdict(self, verdict: Verdict, now: Instant) -> None:
        upload = self.open.get(verdict.seq)
        if upload is None:
            raise WireError("a verdict on what was not offered")
        if verdict.status is ShareStatus.WANTED:
            if upload.wanted_by is self:
                raise WireError("a share wanted twice")
            upload.wanted_by = self
            self._wanted[verdict.seq] = upload
            self.wake()
            return
        self._wanted.pop(verdict.seq, None)  # the node has changed its mind
        del self.open[verdict.seq]
        self._lane.came_forward()
        upload.finish(verdict.status, now, verdict.detail)
        if self._lane.waiting:
            self.wake()

    # --- The source of TAKE ------------------------------------------------------------------

    def next_piece(self, now: Instant) -> bytes | memoryview | None:
        """The rest of a share; else the next offers; else the next share that is wanted."""
        if self.is_over:
            return None
        if self._share:
            piece, self._share = self._share[:PIECE_BYTES_MAX], self._share[PIECE_BYTES_MAX:]
            return piece
        room = min(OFFERS_OPEN_MAX - len(self.open), shares.OFFERS_PIECE_MAX)
        if room and self._lane.waiting and (offers := self._lane.next_offers(room)):
            return shares.offers_piece([self._offer(upload) for upload in offers])
        if self._wanted:
            seq = next(iter(self._wanted))
            upload = self._wanted.pop(seq)
            share = upload.share
            if share is None:
                # It gives the room up by the end of the stream; the others are offered again.
                del self.open[seq]
                upload.finish(ShareStatus.WANTED, now)
                self.close()
                return None
            self._share = memoryview(share() if callable(share) else share)
            return shares.share_piece(seq)
        return b""

    def close(self) -> None:
        """The node takes nothing more."""
        if not self.is_over:
            self.end()
            self._lane.closed()

    def rests(self) -> bool:
        """See LiveSource."""
        return not self.open and not self._lane.waiting

    def _offer(self, upload: Upload) -> bytes:
        self._seq += 1
        self.open[self._seq] = upload
        return shares.offer_bytes(Offer(self._seq, upload.number, upload.record))
