"""Offers shares to nodes, and sends those that are wanted: `core.uploads`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dave.drops import Drop
from dave.errors import WireError
from dave.names import Address, Instant
from dave.node.requests import Peer
from dave.node.shares.lane import Lane, ShareData, Talk, Upload
from dave.node.streams import Source
from dave.wire import shares
from dave.wire.shares import ShareOutcome
from dave.wire.stream_kind import StreamKind
from dave.wire.stripe import StripeRecord

if TYPE_CHECKING:
    from dave.node.core import Core


class Uploads:
    """All shares on their way to nodes. How many bytes of them wait is the caller's to bound."""

    def __init__(self, core: "Core") -> None:
        self.core = core
        self._lanes: dict[bytes | Address, Lane] = {}
        """By the node's key, or its address where that is all we know."""
        self._talks: dict[bytes, Talk] = {}
        """By token."""
        core.streams.serve(StreamKind.TAKE, self._take)

    def put(
        self,
        peer: Peer,
        record: StripeRecord,
        number: int,
        share: ShareData,
        done: Callable[[ShareOutcome, Instant], None],
        now: Instant,
        deadline: Instant | None = None,
    ) -> Upload:
        """Offer share `number` of a stripe, and send it if it is wanted; `done` is called once,
        never from inside this call. The share is referred to, not copied, until then or a little
        longer."""
        assert share is None or callable(share) or len(share) == record.size(number)
        upload = Upload(record.data, number, share, done, deadline)
        name = peer.public_key or peer.address
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(self, name, peer, now)
        lane.add(upload, now)
        return upload

    def begun(self, talk: Talk) -> None:
        """There is a stream of offers."""
        self._talks[talk.token] = talk

    def ended(self, talk: Talk) -> None:
        """And now it is no more."""
        self._talks.pop(talk.token, None)

    def left(self, lane: Lane) -> None:
        """A node is offered nothing more."""
        if self._lanes.get(lane.name) is lane:
            del self._lanes[lane.name]

    def _take(self, asker: bytes, request: bytes, now: Instant) -> Source | None:
        """A node that we offer shares to asks for them. Only it knows the token."""
        try:
            talk = self._talks.get(shares.read_token(request, StreamKind.TAKE))
        except WireError:
            talk = None
        if talk is None or talk.is_taken or talk.key not in (None, asker):
            self.core.drops.add(Drop.SHARE_VERDICTS)
            return None
        talk.is_taken = True
        return talk
