"""Takes shares in from one peer: the source of OFFER, which gives verdicts, and the sink of TAKE.

    offer -> index -> signature, once a record, then index once more -> room -> WANTED
          -> bytes -> their address -> disk -> index, STORED

Offers go ahead of shares, so nobody waits for a round trip, and a share is asked for only when
there is room for it (room.py), up to the moment when the disk has it. What no honest peer
does ends its connections, and is counted: pieces that are none, shares that are not what they were
named, more offers than its window.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from dave.crypto import merkle
from dave.drops import Drop
from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX
from dave.names import SECOND, Instant
from dave.node.streams import LiveSource, Stream, StreamEnd
from dave.share_limits import (
    OFFERS_OPEN_MAX,
    SHARES_IDLE_SECONDS,
    SHARES_INCOMING_FIRST,
    SHARES_INCOMING_PER_PEER_MAX,
)
from dave.store.shares import Judgement
from dave.wire import shares
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Offer, Verdict
from dave.wire.stripe import StripeRecord

if TYPE_CHECKING:
    from dave.node.shares.service import ShareService


class Offered:
    """A share that was offered, and has no final verdict."""

    __slots__ = (
        "is_coming", "is_granted", "is_here", "mask", "number", "on_trial", "record", "seq", "size",
    )  # fmt: skip

    def __init__(self, offer: Offer, record: StripeRecord) -> None:
        self.seq = offer.seq
        self.number = offer.number
        self.record = record
        self.size = record.size(offer.number)
        self.is_granted = False
        """It has room, and was said to be wanted."""
        self.on_trial = False
        """What kind of room (room.py)."""
        self.is_coming = False
        """Its bytes come, or have come."""
        self.is_here = False
        """They are what they should be: now it is on its way to the disk."""
        self.mask = 0
        """As the index has it saved with the record."""


class ShareTaker(LiveSource):
    """What one peer offers."""

    __slots__ = (
        "_arrived", "_missing", "_open", "_parts", "_receiving", "_service", "_since", "_stream",
        "_verdicts", "allowance", "asker", "is_over", "reserved", "waiting",
    )  # fmt: skip

    def __init__(self, service: "ShareService", asker: bytes, allowance: int) -> None:
        super().__init__()
        self._service = service
        self.asker = asker
        self.is_over = False
        """Nothing more is taken in; what is on its way to the disk still gets there."""
        self.reserved = 0
        """Bytes of room that its shares have ..."""
        self.allowance = allowance
        """... and may have, if it is more than one share: what it has shown to fill."""
        self._since: Instant = 0
        """Since when it is looked at how it fills its room ..."""
        self._arrived = 0
        """... and the bytes that have come since then."""
        self.waiting: deque[Offered] = deque()
        """Wanted, as soon as there is room."""
        self._stream: Stream | None = None
        self._open: dict[int, Offered] = {}
        self._verdicts: list[Verdict] = []
        self._receiving: Offered | None = None
        self._missing = 0
        self._parts: list[bytes] = []

    def start(self, token: bytes, now: Instant) -> bool:
        """Ask for offers; whether that was possible."""
        streams = self._service.core.streams
        self._stream = streams.open_back(self.asker, shares.take_request(token), self, now)
        if self._stream is None:
            return False
        self._stream.rests = self.rests
        return True

    # --- The source of OFFER -----------------------------------------------------------------

    def next_piece(self, now: Instant) -> bytes | None:
        """Verdicts."""
        if self._verdicts:
            verdicts, self._verdicts = self._verdicts, []
            return shares.verdicts_piece(verdicts)
        return None if self.is_over and not self._open else b""

    def close(self) -> None:
        """Nobody listens to verdicts any more."""
        self.end()

    # --- The sink of TAKE --------------------------------------------------------------------

    def on_piece(self, data: bytes, now: Instant) -> None:
        """Offers, or the beginning of a share, or its bytes."""
        try:
            if self._receiving is not None:
                self._on_bytes(self._receiving, data, now)
            elif data[0] == shares.SHARE:
                self._begin(shares.read_share_piece(data))
            else:
                for offer in shares.read_offers_piece(data):
                    self._on_offer(offer, now)
                    if self.is_over:
                        return
        except WireError:
            self.refuse(Drop.SHARE_OFFERS, now)
            return
        if self._stream is not None:
            self._stream.consumed(len(data))

    def on_end(self, end: StreamEnd, now: Instant) -> None:
        """No more offers come."""
        self._stream = None
        self.end()

    # -----------------------------------------------------------------------------------------

    def end(self) -> None:
        """Take nothing more in."""
        if self.is_over:
            return
        self.is_over = True
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
        self.waiting.clear()
        for offered in [o for o in self._open.values() if not o.is_here]:
            self._leave(offered)
        self._receiving = None
        self._parts = []
        self._service.taker_ended(self)
        self.wake()

    def refuse(self, reason: Drop, now: Instant) -> None:
        """It did what no peer may."""
        core = self._service.core
        core.drops.add(reason)
        core.streams.refuse(self.asker, now)
        self.end()

    def rests(self) -> bool:
        """See LiveSource: nothing is offered."""
        return not self._open

    @property
    def is_on_trial(self) -> bool:
        """Whether it has not shown yet that it sends what it offers."""
        return self.allowance <= SHARES_INCOMING_FIRST

    def is_wasting(self, now: Instant) -> bool:
        """Whether it leaves the room that it has unused; to be asked while others wait for it."""
        owed = self._owed()
        if not owed or now - self._since < SHARES_IDLE_SECONDS * SECOND:
            return False
        if 4 * self._arrived < owed:
            return True
        self._since, self._arrived = now, 0
        return False

    def _owed(self) -> int:
        """Bytes of room for shares that have not come."""
        return sum(o.size for o in self._open.values() if o.is_granted and not o.is_here)

    def grant(self, now: Instant, *, on_trial: bool) -> None:
        """There is room for the first that waits."""
        if not self._owed():
            self._since, self._arrived = now, 0
        offered = self.waiting.popleft()
        offered.is_granted, offered.on_trial = True, on_trial
        self.reserved += offered.size
        self._say(offered, ShareStatus.WANTED)

    def _say(self, offered: Offered, status: ShareStatus, detail: int = 0) -> None:
        self._verdicts.append(Verdict(offered.seq, status, detail))
        self.wake()

    def _finish(self, offered: Offered, status: ShareStatus, detail: int = 0) -> None:
        """The final verdict."""
        if self._open.get(offered.seq) is offered:
            self._leave(offered)
            self._say(offered, status, detail)

    def _leave(self, offered: Offered) -> None:
        del self._open[offered.seq]
        if offered.is_granted:
            self.reserved -= offered.size
            self._service.room.freed(offered.size, self, on_trial=offered.on_trial)

    # --- An offer, step by step --------------------------------------------------------------

    def _on_offer(self, offer: Offer, now: Instant) -> None:
        record = StripeRecord(offer.record)
        if offer.seq in self._open or offer.number >= record.n:
            raise WireError("an offer made twice, or of a share that there is not")
        if len(self._open) + len(self._verdicts) >= 2 * OFFERS_OPEN_MAX:
            raise WireError("more offers than the window, or nobody reads the verdicts")
        offered = self._open[offer.seq] = Offered(offer, record)
        judgement = self._judge(offered, now)
        if judgement is None:
            return
        if self._service.is_genuine(record, judgement.digest):
            self._admit(offered, judgement, now)
        else:
            self._service.verify(
                record,
                judgement.digest,
                lambda is_genuine, now: self._verified(offered, is_genuine, now),
            )

    def _judge(self, offered: Offered, now: Instant) -> Judgement | None:
        """What the index says to it; None where all is said by that."""
        judgement = self._service.judge(offered.record, offered.number, now)
        is_known = judgement.status is ShareStatus.HELD and not judgement.is_new
        if is_known or judgement.status not in (ShareStatus.WANTED, ShareStatus.HELD):
            self._finish(offered, judgement.status, judgement.detail)
            return None
        return judgement

    def _verified(self, offered: Offered, is_genuine: bool, now: Instant) -> None:
        if self.is_over:
            self._forget(offered)
            return
        if not is_genuine:
            self.refuse(Drop.FORGER, now)
            return
        judgement = self._judge(offered, now)
        if judgement is not None:
            self._admit(offered, judgement, now)

    def _admit(self, offered: Offered, judgement: Judgement, now: Instant) -> None:
        """The index would take it, and the record is genuine."""
        offered.mask = judgement.mask
        if judgement.status is ShareStatus.WANTED:
            self.waiting.append(offered)
            self._service.room.wanted(self, now)
            return
        offered.is_here = True
        self._service.save(offered.record, offered.number, offered.mask, self._told(offered))

    def _forget(self, offered: Offered) -> None:
        if self._open.get(offered.seq) is offered:
            self._leave(offered)
            self.wake()

    def _begin(self, seq: int) -> None:
        offered = self._open.get(seq)
        if offered is None or not offered.is_granted or offered.is_coming:
            raise WireError("a share that was not asked for")
        offered.is_coming = True
        self._receiving, self._missing = offered, offered.size

    def _on_bytes(self, offered: Offered, data: bytes, now: Instant) -> None:
        if len(data) != min(PIECE_BYTES_MAX, self._missing):
            raise WireError("a share in other pieces than whole ones")
        self._parts.append(data)
        self._missing -= len(data)
        self._arrived += len(data)
        if self._missing:
            return
        self._receiving, parts, self._parts = None, self._parts, []
        if merkle.root_of(parts) != offered.record.address(offered.number):
            raise WireError("a share that is not what was named")
        offered.is_here = True
        self.allowance = min(
            max(self.allowance, SHARES_INCOMING_FIRST) + offered.size, SHARES_INCOMING_PER_PEER_MAX
        )
        self._service.write(
            offered.record, offered.number, offered.mask, parts, self._told(offered)
        )

    def _told(self, offered: Offered) -> Callable[[ShareStatus, Instant], None]:
        return lambda status, now: self._finish(offered, status)
