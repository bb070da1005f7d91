"""What a node with room for shares does with them: takes in, sends, tells, lets go (DESIGN 9).

The index (store/shares.py) decides; the bytes are the world's (effects.py). Here is how the
streams of peers meet both. A record is signed, so it is as good from anyone who brings it: a client
that puts a file, or a node that mends a stripe.
"""

from collections.abc import Callable, Sequence
from functools import partial

from dave.drops import Drop
from dave.errors import WireError
from dave.limits import PIECE_BYTES_MAX
from dave.names import SECOND, Instant
from dave.node.core import Core
from dave.node.shares.effects import ShareEffects, Told
from dave.node.shares.room import ShareRoom
from dave.node.shares.sender import ShareSender
from dave.node.shares.taker import ShareTaker
from dave.node.streams import LiveSource, Source
from dave.node.timers import Timer
from dave.share_limits import (
    BLOCK_BYTES,
    RECORDS_VERIFIED_MAX,
    SHARE_ASKERS_KEPT,
    SHARE_CLOCK_SECONDS,
    SHARE_LOOK_SECONDS,
    SHARE_READ_ONLY_SECONDS,
    SHARE_SENDERS_LARGE,
    SHARE_TAKERS_MAX,
    SHARES_INCOMING_FIRST,
)
from dave.store.shares import Judgement, ShareIndex
from dave.wire import shares
from dave.wire.share_status import ShareStatus
from dave.wire.shares import Held
from dave.wire.stream_kind import StreamKind
from dave.wire.stripe import Release, StripeRecord

Stored = Callable[[ShareStatus, Instant], None]
"""How the way to the disk ended: STORED, HELD, or why not."""


class ShareService:
    """Of one node."""

    def __init__(self, core: Core, index: ShareIndex) -> None:
        self.core = core
        self.index = index
        self.effects = ShareEffects(core.emit)
        self.room = ShareRoom()
        self._refuses_until: Instant = 0
        """A write has failed: nothing is taken in for a while."""
        self._takers: dict[bytes, ShareTaker] = {}
        """By the key of who offers."""
        self._allowances: dict[bytes, int] = {}
        """By the key of who has offered: how much room it has shown to fill; the last one last."""
        self._senders = 0
        self._verified: dict[bytes, None] = {}
        """Digest and signature of records that are genuine; the oldest first."""
        self._verifying: dict[bytes, list[Told]] = {}
        self._is_looking = False
        self._since: Instant | None = None
        """When it was first looked at what has expired."""
        for kind, handler in (
            (StreamKind.FETCH, self._fetch),
            (StreamKind.OFFER, self._offer),
            (StreamKind.STRIPES, self._stripes),
            (StreamKind.RELEASE, self._release),
        ):
            core.streams.serve(kind, partial(self._serve, handler))

    @property
    def takers(self) -> int:
        """Peers that offer shares."""
        return len(self._takers)

    def _serve(
        self, handler: Callable[[bytes, bytes, Instant], Source | None],
        asker: bytes, request: bytes, now: Instant,
    ) -> Source | None:  # fmt: skip
        try:
            return handler(asker, request, now)
        except WireError:
            self.core.drops.add(Drop.WIRE)
            return None

    # --- Sending and telling -----------------------------------------------------------------

    def _fetch(self, asker: bytes, request: bytes, now: Instant) -> Source:
        addresses = shares.read_fetch_request(request)
        sizes = [self.index.holds(address) or 0 for address in addresses]
        read_bytes = BLOCK_BYTES if self._senders < SHARE_SENDERS_LARGE else PIECE_BYTES_MAX
        self._senders += 1
        return ShareSender(addresses, sizes, self.effects.read, read_bytes, self._sender_ended)

    def _sender_ended(self) -> None:
        self._senders -= 1

    def _stripes(self, asker: bytes, request: bytes, now: Instant) -> Source:
        held = [self.index.stripe(stripe_id) for stripe_id in shares.read_stripes_request(request)]
        piece = shares.stripes_piece(
            None if each is None or not each[1] else Held(each[0].data, each[1]) for each in held
        )
        return _Answer(piece)

    # --- Letting go --------------------------------------------------------------------------

    def _release(self, asker: bytes, request: bytes, now: Instant) -> Source:
        release, answer = Release(shares.read_release_request(request)), _Answer()

        def verified(is_genuine: bool, now: Instant) -> None:
            if not is_genuine:
                self.core.drops.add(Drop.FORGER)
                self.core.streams.refuse(asker, now)
                return
            count, gone = self.index.release(release)
            self.effects.drop(gone)
            if self.index.is_release_lasting(release):
                self.effects.save_release(release, partial(saved, count))
            else:  # anybody can make those, as many as they like: the disk is not for them
                answer.give(shares.count_piece(0))

        def saved(count: int, ok: bool, now: Instant) -> None:
            answer.give(shares.count_piece(count) if ok else None)

        signed = release.signed_bytes(self.core.network)
        self.effects.verify(release.owner, release.signature + signed, verified)
        return answer

    # --- Taking in ---------------------------------------------------------------------------

    def _offer(self, asker: bytes, request: bytes, now: Instant) -> Source | None:
        token = shares.read_token(request, StreamKind.OFFER)
        if (before := self._takers.get(asker)) is not None:
            before.end()  # its connection broke, and it has noticed first
        if len(self._takers) >= SHARE_TAKERS_MAX:
            takers = self._takers.values()
            idle = next((each for each in takers if each.rests() or each.is_wasting(now)), None)
            if idle is None:
                self.core.drops.add(Drop.FULL)
                return None
            self._make_way(idle)
        allowance = self._allowances.get(asker, SHARES_INCOMING_FIRST)
        taker = ShareTaker(self, asker, allowance)
        if not taker.start(token, now):
            return None
        self._takers[asker] = taker
        self._look_soon(now)
        return taker

    def taker_ended(self, taker: ShareTaker) -> None:
        """A peer offers nothing more."""
        self.room.left(taker)
        self._allowances.pop(taker.asker, None)
        self._allowances[taker.asker] = taker.allowance
        if len(self._allowances) > SHARE_ASKERS_KEPT:
            del self._allowances[next(iter(self._allowances))]
        if self._takers.get(taker.asker) is taker:
            del self._takers[taker.asker]

    def judge(self, record: StripeRecord, number: int, now: Instant) -> Judgement:
        """What is to be said to that offer."""
        if now < self._refuses_until:
            return Judgement(ShareStatus.READ_ONLY)
        return self.index.judge(record, number, self.core.unix_ms(now))

    def is_genuine(self, record: StripeRecord, digest: bytes) -> bool:
        """Whether the signature of a record is known to be good."""
        return digest + record.signature in self._verified

    def verify(self, record: StripeRecord, digest: bytes, done: Told) -> None:
        """Check the signature of a record; others may wait for the same."""
        name = digest + record.signature
        waiting = self._verifying.setdefault(name, [])
        waiting.append(done)
        if len(waiting) == 1:
            signed = record.signature + record.signed_bytes(self.core.network)
            self.effects.verify(record.owner, signed, partial(self._on_verified, name))

    def _on_verified(self, name: bytes, is_genuine: bool, now: Instant) -> None:
        if is_genuine:
            if len(self._verified) >= RECORDS_VERIFIED_MAX:
                del self._verified[next(iter(self._verified))]
            self._verified[name] = None
        for done in self._verifying.pop(name):
            done(is_genuine, now)

    def write(
        self, record: StripeRecord, number: int, mask: int, pieces: Sequence[bytes], done: Stored
    ) -> None:
        """Have a share written that the index wants, and whose address was checked."""
        told = partial(self._written, record, number, ShareStatus.STORED, done)
        self.effects.write(record.address(number), pieces, record.data, mask, told)

    def save(self, record: StripeRecord, number: int, mask: int, done: Stored) -> None:
        """Have a record written whose share is here."""
        told = partial(self._written, record, number, ShareStatus.HELD, done)
        self.effects.save(record.data, mask, told)

    def _written(
        self, record: StripeRecord, number: int, status: ShareStatus, done: Stored, ok: bool,
        now: Instant,
    ) -> None:  # fmt: skip
        if not ok:
            self._refuses_until = now + SHARE_READ_ONLY_SECONDS * SECOND
            done(ShareStatus.READ_ONLY, now)
            return
        now_ms, is_written = self.core.unix_ms(now), status is ShareStatus.STORED
        inserted = self.index.insert(record, number, now_ms, is_written=is_written)
        self.effects.drop(inserted.gone)
        done(status if inserted.status is ShareStatus.STORED else inserted.status, now)

    def expire(self, now: Instant) -> None:
        """Let go of what has had its time; not for the sake of a clock alone that may be ahead.

        Where others say what time it is, theirs counts if ours is far ahead of it. Until somebody
        has said, all is kept for SHARE_CLOCK_SECONDS: a node that starts has just joined."""
        clocks, unix_ms = self.core.peer_clocks, self.core.unix_ms(now)
        theirs = clocks.unix_ms(now)
        self._since = now if self._since is None else self._since
        if theirs is None and now - self._since < SHARE_CLOCK_SECONDS * SECOND:
            return
        if theirs is not None and clocks.is_ahead(unix_ms, now):
            unix_ms = theirs
        self.effects.drop(self.index.expire(unix_ms))

    def _make_way(self, taker: ShareTaker) -> None:
        """It ends; if it was given room that it left unused, it gets less the next time."""
        if taker.reserved:
            taker.allowance = 0
        taker.end()

    def _look_soon(self, now: Instant) -> None:
        if not self._is_looking:
            self._is_looking = True
            self.core.timers.set(now + SHARE_LOOK_SECONDS * SECOND, Timer.SHARES, self._on_timer)

    def _on_timer(self, now: Instant) -> None:
        """Where room is short, who does not use it ends."""
        self._is_looking = False
        self.room.now = now
        if self.room.is_short:
            for taker in [*self._takers.values()]:
                if taker.is_wasting(now):
                    self.core.drops.add(Drop.FULL)
                    self._make_way(taker)
        if self._takers:
            self._look_soon(now)


class _Answer(LiveSource):
    """One piece, now or later."""

    __slots__ = ("_is_given", "_piece")

    def __init__(self, piece: bytes | None = None) -> None:
        super().__init__()
        self._piece = piece
        self._is_given = piece is not None

    def give(self, piece: bytes | None) -> None:
        """Here it is; None: the stream ends without."""
        self._piece, self._is_given = piece, True
        self.wake()

    def next_piece(self, now: Instant) -> bytes | None:
        """See LiveSource."""
        piece, self._piece = self._piece, None
        return piece if self._is_given else b""

    def close(self) -> None:
        """See LiveSource."""
