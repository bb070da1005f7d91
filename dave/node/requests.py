"""Requests in flight: each has an id, a peer, a reply to wait for, and a limit to its patience.

A request travels in the session with its peer. Where there is none, a handshake is started, which
carries the request at once if it is one that leaves no state; else it waits for the session.
"""

from collections.abc import Callable
from typing import NamedTuple

from dave.drops import Drop, Drops
from dave.errors import WireError
from dave.histogram import Histogram
from dave.limits import (
    ACCEPT_OVERHEAD_BYTES,
    MESSAGE_BYTES_MAX,
    REQUEST_RETRY_MS_MIN,
    REQUESTS_IN_FLIGHT_MAX,
    SESSION_OVERLAP_SECONDS,
)
from dave.names import MS, SECOND, Address, Instant, Place, Rng
from dave.node.timers import Timer, Timers
from dave.session.session import Established, Failed, FailReason, Session
from dave.session.sessions import Sessions
from dave.tuning import Tuning
from dave.wire import messages
from dave.wire.messages import (
    Dial,
    DialAck,
    Find,
    FindAck,
    Get,
    GetAck,
    GetMyAddrPort,
    GetMyAddrPortAck,
    Ping,
    Pong,
    Put,
    PutAck,
    Reply,
    Request,
)
from dave.wire.promises import Announce, Challenge, Proof, Want
from dave.wire.watching import Watch, WatchAck

REPLIES: dict[type[Request], type[Reply]] = {
    Ping: Pong,
    Put: PutAck,
    Get: GetAck,
    Find: FindAck,
    GetMyAddrPort: GetMyAddrPortAck,
    Announce: Want,
    Challenge: Proof,
    Dial: DialAck,
    Watch: WatchAck,
}
"""Which reply answers which request."""

REPLY_ROOM: dict[type[Request], int] = {
    Ping: 64,
    Get: MESSAGE_BYTES_MAX,
    Find: messages.REPLY_BYTES_MAX,
    GetMyAddrPort: 64,
}
"""What an INIT may carry, and how large the reply can be: the INIT is padded to that."""


class Peer(NamedTuple):
    """Whom to ask: a contact, or an edge of which only the address (and a pin) is known."""

    address: Address
    public_key: bytes | None = None
    nonce: bytes | None = None
    id: Place | None = None


class Answer(NamedTuple):
    """How a request ended: a reply and the session it came in, or why there is none."""

    reply: Reply | None
    session: Session | None
    rtt: int
    """Nanoseconds from asking to the reply."""
    failure: FailReason | None
    is_exact: bool = False
    """Whether `rtt` is the round trip, and not just no shorter: sent once, in a session. Of several
    sendings nobody can tell which one was answered (Karn and Partridge 1987)."""


Done = Callable[[Answer, Instant], None]


class RequestCounts:
    """What became of the requests of one kind; who is neither answered nor failed is in flight."""

    __slots__ = ("asked", "failed", "round_trip")

    def __init__(self) -> None:
        self.asked = 0
        self.failed = 0
        """Not answered, or no session came about."""
        self.round_trip = Histogram()
        """From asking to the reply, handshake and repeats included: one value per answer."""


class _InFlight:
    __slots__ = ("asked_at", "attempts", "counts", "done", "due", "encoded", "is_once", "peer",
                 "reply", "sent_at", "wait")  # fmt: skip

    def __init__(
        self, peer: Peer, encoded: bytes, reply: type[Reply], done: Done, counts: RequestCounts
    ) -> None:
        self.peer = peer
        self.counts = counts
        self.encoded = encoded
        self.reply = reply
        self.done = done
        self.attempts = 0
        self.asked_at: Instant = 0
        self.sent_at: Instant = 0
        self.due: Instant = 0
        """When the last sending is taken for lost; 0 before the first."""
        self.wait = 0
        self.is_once = False
        """Never sent again."""


class Requests:
    """The table of requests in flight; at most REQUESTS_IN_FLIGHT_MAX."""

    def __init__(
        self, sessions: Sessions, timers: Timers, rng: Rng, drops: Drops, tuning: Tuning
    ) -> None:
        self._tuning = tuning
        self._sessions = sessions
        self._timers = timers
        self._rng = rng
        self._drops = drops
        self._in_flight: dict[bytes, _InFlight] = {}
        self._waiting: dict[tuple[Address, bytes | None], list[bytes]] = {}
        """Requests that wait for a session, by address and pin: what a handshake is asked for."""
        self.counts: dict[type[Request], RequestCounts] = {}
        """By kind, made at its first request."""
        self.repeated = 0
        """Sendings that were not the first of their request."""

    def __len__(self) -> int:
        return len(self._in_flight)

    def ask(
        self,
        peer: Peer,
        message: Request,
        done: Done,
        now: Instant,
        rtt: int | None = None,
        attempts: int | None = None,
    ) -> None:
        """Send `message` to `peer`; `done` is called once, with the reply or the failure.

        `rtt`: the smoothed round trip to the peer in nanoseconds, if known. `attempts`: how many
        packets of a handshake may go unanswered, if fewer than usual.
        """
        request_id = self._admit(peer, message, done, now)
        if request_id is None:
            return
        request = self._in_flight[request_id]
        request.wait = self._first_wait(rtt)
        encoded = request.encoded
        session = self._session(peer)
        room = REPLY_ROOM.get(type(message))
        if session is not None and not (room is not None and self._is_stale(session, now)):
            self._send(request_id, request, session, now)
            return
        request.sent_at = now
        if room is None:
            self._connect(request_id, request, b"", 0, now, attempts)
        else:
            room += ACCEPT_OVERHEAD_BYTES
            self._connect(request_id, request, encoded, room, now, attempts)

    def ask_once(
        self, session: Session, message: Request, done: Done, now: Instant, patience: int
    ) -> None:
        """Send `message` in `session`, a single time; `done` is called once, with the reply or,
        after `patience` nanoseconds, with NO_ANSWER. For what may not be asked twice."""
        peer = Peer(session.address, session.public_key, None, session.node_id)
        request_id = self._admit(peer, message, done, now)
        if request_id is not None:
            request = self._in_flight[request_id]
            request.is_once = True
            request.wait = patience
            self._send(request_id, request, session, now)

    def _admit(self, peer: Peer, message: Request, done: Done, now: Instant) -> bytes | None:
        """Enter a request; its id, or None where there is no room, which `done` was told."""
        if len(self._in_flight) >= REQUESTS_IN_FLIGHT_MAX:
            done(Answer(None, None, 0, FailReason.FULL), now)
            return None
        request_id = self._rng.randbytes(4)
        while request_id in self._in_flight:
            request_id = self._rng.randbytes(4)
        encoded = messages.encode(request_id, message)
        kind = type(message)
        counts = self.counts.get(kind) or self.counts.setdefault(kind, RequestCounts())
        counts.asked += 1
        request = _InFlight(peer, encoded, REPLIES[kind], done, counts)
        request.asked_at = now
        self._in_flight[request_id] = request
        return request_id

    def is_connecting(self, address: Address, public_key: bytes | None = None) -> bool:
        """Whether requests wait for a handshake with that address; with `public_key`, for one that
        asks for that key: another one would join it, and send nothing more."""
        if public_key is not None:
            return (address, public_key) in self._waiting
        return any(waiting_at == address for waiting_at, _ in self._waiting)

    def _connect(
        self,
        request_id: bytes,
        request: _InFlight,
        carried: bytes,
        room: int,
        now: Instant,
        attempts: int | None = None,
    ) -> None:
        peer = request.peer
        waiting = self._waiting.setdefault((peer.address, peer.public_key), [])
        if request_id not in waiting:
            waiting.append(request_id)
        self._sessions.connect(
            peer.address,
            now,
            peer.public_key,
            peer.nonce,
            carried,
            room,
            self._tuning.handshake_attempts if attempts is None else attempts,
        )

    def _is_stale(self, session: Session, now: Instant) -> bool:
        """Whether a session was quiet for long and would have to be replaced if it were used now:
        then INIT and ACCEPT carry what one of both has to say."""
        quiet = now - session.last_received
        return quiet > SESSION_OVERLAP_SECONDS * SECOND and self._sessions.rekey_due(session, now)

    def _session(self, peer: Peer) -> Session | None:
        session = self._sessions.find(peer.address)
        return session if session is not None and _is_from(peer, session) else None

    def _send(self, request_id: bytes, request: _InFlight, session: Session, now: Instant) -> None:
        self.repeated += request.attempts > 0
        request.attempts += 1
        request.sent_at = now
        self._sessions.seal(session, request.encoded, now)
        request.due = now + request.wait
        self._timers.set(request.due, Timer.REQUEST, request_id)
        request.wait = min(request.wait * 2, self._tuning.retry_ms_max * MS)

    def on_reply(self, session: Session, data: bytes, now: Instant) -> None:
        """A message that is no request arrived in `session`."""
        request_id = data[1:5]
        request = self._in_flight.get(request_id)
        if request is None or not _is_from(request.peer, session):
            self._drops.add(Drop.NO_REQUEST)
            return
        try:
            _, reply = messages.decode(data)
        except messages.UnknownMessage:
            self._drops.add(Drop.UNKNOWN_MESSAGE)
            return
        except WireError:
            self._drops.add(Drop.WIRE)
            return
        if type(reply) is not request.reply:
            self._drops.add(Drop.NO_REQUEST)
            return
        del self._in_flight[request_id]
        request.counts.round_trip.note(now - request.asked_at)
        # Not sent by itself yet: a handshake carried it. Or it waited for one.
        is_exact = request.attempts == 1 and request.sent_at == request.asked_at
        request.done(Answer(reply, session, now - request.asked_at, None, is_exact), now)

    def on_established(self, event: Established, now: Instant) -> None:
        """Send what waited for this session; who wants another key has a handshake of its own."""
        session = event.session
        for pin in (None, session.public_key):
            for request_id in self._waiting.pop((session.address, pin), ()):
                request = self._in_flight.get(request_id)
                if request is not None:
                    self._send(request_id, request, session, now)

    def on_failed(self, event: Failed, now: Instant) -> None:
        """No session came about: so end the requests that waited for it."""
        for request_id in self._waiting.pop((event.address, event.public_key), ()):
            self._fail(request_id, event.reason, now)

    def on_timer(self, request_id: bytes, now: Instant) -> None:
        """A request was not answered in time."""
        request = self._in_flight.get(request_id)
        if request is None or now < request.due:  # sent once more since this alarm was set
            return
        if request.is_once:
            self._fail(request_id, FailReason.NO_ANSWER, now)
            return
        session = self._session(request.peer)
        if request.attempts < self._tuning.attempts:
            if session is None:  # it ended meanwhile
                self._connect(request_id, request, b"", 0, now)
                return
            self._send(request_id, request, session, now)
            is_silent = session.last_received <= request.asked_at
            if request.attempts == self._tuning.attempts - 1 and is_silent:
                # Two sendings unanswered: the peer may have restarted and lost the session.
                self._connect(request_id, request, b"", 0, now)
            return
        failed = [request_id]
        if session is None or session.last_received <= request.asked_at:
            # The handshakes under way are forgotten as well, and will not say so themselves.
            address = request.peer.address
            self._sessions.forget(address)
            for key in [key for key in self._waiting if key[0] == address]:
                failed += self._waiting.pop(key)
        for failed_id in failed:
            self._fail(failed_id, FailReason.NO_ANSWER, now)

    def _first_wait(self, rtt: int | None) -> int:
        if rtt is None:
            return self._tuning.retry_ms * MS
        return max(REQUEST_RETRY_MS_MIN * MS, min(4 * rtt, self._tuning.retry_ms_max * MS))

    def _fail(self, request_id: bytes, reason: FailReason, now: Instant) -> None:
        request = self._in_flight.pop(request_id, None)
        if request is not None:
            request.counts.failed += 1
            request.done(Answer(None, None, 0, reason), now)


def _is_from(peer: Peer, session: Session) -> bool:
    """Whether the session is with that peer: at its address, and under its key if we know one."""
    return peer.address == session.address and peer.public_key in (None, session.public_key)
