"""The session layer's door: datagrams in, opened messages out; messages in, sealed datagrams out.

DATA is nearly all of the traffic, so `receive` and `seal` handle it in a straight line, with the
cipher object hanging on the session and the replay window's usual case inlined. All that is rarer
is a call: handshakes (initiator.py, responder.py), the life of sessions (table.py).

An empty DATA carries no message. The initiator sends one to confirm a session that would else
stay provisional on the other side, and the responder answers it in kind. Of two sessions that
crossed, one side names the one to use by it.
"""

from struct import Struct

from cryptography.exceptions import InvalidTag

from dave.crypto.identity import Identity
from dave.crypto.network import Network
from dave.drops import Drop, Drops
from dave.errors import UsageError, WireError
from dave.limits import (
    DATA_HEADER_BYTES,
    DATA_MESSAGE_BYTES_MAX,
    HANDSHAKE_ATTEMPTS,
    PACKET_BYTES_MAX,
    PROTOCOL_VERSION,
    REKEY_RETRY_SECONDS,
    SESSION_CONFIRM_MS,
    SESSION_NUDGE_MS,
    SESSION_PACKETS,
    SESSION_PROVISIONAL_SECONDS,
    SESSION_QUIET_PACKETS,
    SESSION_QUIET_SECONDS,
    SESSION_SECONDS,
)
from dave.names import MS, SECOND, Address, Instant, Rng
from dave.session import replay
from dave.session.cipher import pack_nonce
from dave.session.initiator import HandshakeInitiator
from dave.session.responder import HandshakeResponder
from dave.session.session import NEVER, Established, Outgoing, Session
from dave.session.table import SessionTable
from dave.wire import packet
from dave.wire.packet import DATA_KIND, Accept, Cookie, Hello, Init, PacketType

_DATA_HEADER = Struct("<HIQ")
_pack_data = _DATA_HEADER.pack
_read_data = _DATA_HEADER.unpack_from
_DATA_BYTES_MIN = packet.SIZES[PacketType.DATA][0]
_REKEY_CHECK_MASK = 1023
"""The packet budget is looked at once in 1024 packets sealed."""

assert SESSION_PACKETS & _REKEY_CHECK_MASK == 0
assert _DATA_HEADER.size == DATA_HEADER_BYTES


class Sessions(Outgoing):
    """All sessions of one identity on one network.

    `outbox` collects (datagram, address) to send, `events` collects Established and Failed; the
    owner drains both after each call, and calls `handle_timer` when `get_timer` says.
    """

    __slots__ = ("_ciphers", "_drops", "_identity", "_initiator", "_open", "_responder", "_table",
                 "_unconfirmed", "_unconfirmed_at")  # fmt: skip

    def __init__(self, identity: Identity, network: Network, rng: Rng, drops: Drops) -> None:
        super().__init__()
        self._identity = identity
        self._drops = drops
        self._table = SessionTable(rng)
        self._ciphers = self._table.ciphers
        self._open = self._table.by_index
        self._initiator = HandshakeInitiator(identity, network, rng, drops, self._table, self)
        self._responder = HandshakeResponder(identity, network, rng, drops, self._table, self)
        self._unconfirmed: dict[int, Session] = {}
        self._unconfirmed_at: Instant = NEVER

    def __len__(self) -> int:
        """Good sessions, superseded ones included; provisional ones are not."""
        return len(self._table.by_index) - len(self._table.provisional)

    def receive(self, data: bytes, address: Address, now: Instant) -> tuple[Session, bytes] | None:
        """Take any datagram. Gives a message and the session it came by, or None where there is
        nothing for the caller; bad datagrams are counted in `drops`, never raised.

        From INIT: the message may be empty, and session.wants_accept is set: call `seal` on it,
        once. From ACCEPT: the reply, may be empty. From DATA: never empty.
        """
        if not _DATA_BYTES_MIN <= len(data) <= PACKET_BYTES_MAX:
            self._drops.add(Drop.SIZE)
            return None
        kind, index, counter = _read_data(data)
        if kind != DATA_KIND:
            return self._receive_handshake(data, address, now)
        session = self._open.get(index)
        if session is None or session.address != address or session.wants_accept:
            self._drops.add(Drop.NO_SESSION)
            return None
        highest = session.highest
        if counter <= highest and replay.is_replay(highest, session.missing, counter):
            self._drops.add(Drop.REPLAY)
            return None
        opener = session.opener or self._ciphers.opener(session)
        try:
            message = opener.decrypt(pack_nonce(0, counter), data[DATA_HEADER_BYTES:], None)
        except InvalidTag:
            self._drops.add(Drop.AEAD)
            return None
        if counter == highest + 1 and not session.missing:
            session.highest = counter
        else:
            session.highest, session.missing = replay.note(highest, session.missing, counter)
        session.last_received = now
        if not session.is_current:
            self._notice(session, now)
        if message:
            return session, message
        if not session.is_initiator:
            self.seal(session, b"", now)
        return None

    def seal(self, session: Session, message: bytes, now: Instant) -> None:
        """Send a message: as DATA, or as the ACCEPT that the session's INIT is owed (then a reply
        above session.reply_room is left out: the peer has to ask again, by DATA). A session that
        has ended sends nothing.

        Raises UsageError for a message over DATA_MESSAGE_BYTES_MAX, and for a second answer by a
        session that is provisional.
        """
        if len(message) > DATA_MESSAGE_BYTES_MAX or not session.is_open:
            return self._seal_other(session, message)
        counter = session.sent
        session.sent = counter + 1
        sealer = session.sealer or self._ciphers.sealer(session)
        sealed = sealer.encrypt(pack_nonce(0, counter), message, None)
        header = _pack_data(DATA_KIND, session.remote_index, counter)
        self.outbox.append((header + sealed, session.address))
        if now >= session.rekey_at or not counter & _REKEY_CHECK_MASK:
            self._rekey(session, now)

    def find(self, address: Address) -> Session | None:
        """The session to send on: the newest good one of that address."""
        return self._table.by_address.get(address)

    def with_nodes(self) -> list[Session]:
        """The newest good session of each address behind which a node is."""
        return [s for s in self._table.by_address.values() if s.node_id is not None and s.is_open]

    def connect(
        self,
        address: Address,
        now: Instant,
        public_key: bytes | None = None,
        nonce: bytes | None = None,
        message: bytes = b"",
        reply_bytes: int = 0,
        attempts: int = HANDSHAKE_ATTEMPTS,
    ) -> None:
        """Start a handshake, or join the one under way for the same address and key (None: for
        any key). Others towards that address run beside it. Failed tells the key asked for;
        Established serves who asked for its key or for any, and ends their other handshakes.

        With `public_key` and `nonce` an INIT goes out at once; without a nonce HELLO comes first,
        and a public_key alone is a pin. The INIT carries `message` (at most
        INIT_MESSAGE_BYTES_MAX), which must leave no state, and is padded to `reply_bytes`: the
        largest reply wanted, plus ACCEPT_OVERHEAD_BYTES. Who joins has its message carried only
        if none was; ask again once Established tells of the session. `attempts`: how many packets
        may go unanswered.

        Raises UsageError for sizes out of range and for a nonce without its key.
        """
        self._initiator.connect(
            address, now, public_key, nonce, message, reply_bytes, attempts=attempts
        )

    def forget(self, address: Address) -> None:
        """End all that is held of an address, without a word: sessions, and the handshakes
        under way, whatever key they ask for."""
        self._initiator.forget(address)
        self._table.forget(address)

    def drop(self, session: Session) -> None:
        """End one session, without a word. After a mere probe this saves confirming it: the peer's
        provisional session lapses by itself."""
        if session.is_open:
            self._table.close(session)

    def go_as(self, *, is_node: bool) -> None:
        """Whether handshakes that start from now on present us as a node, or as a client."""
        self._initiator.says_node = is_node

    def rekey_due(self, session: Session, now: Instant) -> bool:
        """Whether a session was used for so long that sealing starts a new handshake: 10 minutes or
        2^20 packets either way, by the initiator, while the session is current. One that hardly
        carried a packet lives for an hour."""
        if not (session.is_initiator and session.is_current):
            return False
        packets = max(session.sent, session.highest + 1)
        lasts = SESSION_SECONDS if packets >= SESSION_QUIET_PACKETS else SESSION_QUIET_SECONDS
        return now - session.established >= lasts * SECOND or packets >= SESSION_PACKETS

    def get_timer(self) -> Instant | None:
        """When to call `handle_timer`; None while nothing is waited for."""
        due = min(self._initiator.due, self._unconfirmed_at, self._table.get_timer())
        return due if due < NEVER else None

    def handle_timer(self, now: Instant) -> None:
        """Retries, confirmations, and the end of what has lapsed; may be called at any time."""
        self._initiator.handle_timer(now)
        if now >= self._unconfirmed_at:
            self._confirm(now)
        self._table.sweep(now)

    def _receive_handshake(
        self, data: bytes, address: Address, now: Instant
    ) -> tuple[Session, bytes] | None:
        if data[0] != PROTOCOL_VERSION:
            self._drops.add(Drop.VERSION)
            return None
        limits = packet.SIZES.get(data[1])
        if limits is None:
            self._drops.add(Drop.TYPE)
            return None
        if not limits[0] <= len(data) <= limits[1]:
            self._drops.add(Drop.SIZE)
            return None
        try:
            decoded = packet.decode(data)
        except WireError:
            self._drops.add(Drop.WIRE)
            return None
        if isinstance(decoded, Hello):
            self._responder.receive_hello(decoded, address, now)
            return None
        if isinstance(decoded, Cookie):
            self._initiator.receive_cookie(decoded, address, now)
            return None
        if isinstance(decoded, Init):
            return self._responder.receive_init(decoded, address, now)
        assert isinstance(decoded, Accept)
        accepted = self._initiator.receive_accept(decoded, address, now)
        if accepted is not None:
            self._await_confirmation(accepted[0], now)
        return accepted

    def _seal_other(self, session: Session, message: bytes) -> None:
        if len(message) > DATA_MESSAGE_BYTES_MAX:
            raise UsageError(
                f"a message has at most {DATA_MESSAGE_BYTES_MAX} bytes, not {len(message)}"
            )
        if session.wants_accept:
            self._responder.accept(session, message)
        elif session.is_provisional:
            raise UsageError("the INIT is answered; wait for DATA before sending more")

    def _rekey(self, session: Session, now: Instant) -> None:
        if self.rekey_due(session, now):
            session.rekey_at = now + REKEY_RETRY_SECONDS * SECOND
            peer = session.public_key, session.nonce
            self._initiator.connect(session.address, now, *peer, b"", 0, is_rekey=True)

    def _await_confirmation(self, session: Session, now: Instant) -> None:
        self._unconfirmed[session.index] = session
        self._unconfirmed_at = min(self._unconfirmed_at, now + SESSION_CONFIRM_MS * MS)
        if session.previous is not None:
            self.seal(session, b"", now)  # the peer is to change over soon as well

    def _confirm(self, now: Instant) -> None:
        """Confirm to peers that said nothing yet: after 1, 2, 4 and 8 s; after 10 s of silence the
        peer's provisional session is gone, and so is ours."""
        due = NEVER
        for session in list(self._unconfirmed.values()):
            age = now - session.established
            if not session.is_open or session.highest >= 0:
                del self._unconfirmed[session.index]
                continue
            if age >= SESSION_PROVISIONAL_SECONDS * SECOND:
                del self._unconfirmed[session.index]
                self._table.close(session)
                continue
            while (SESSION_CONFIRM_MS << session.confirms) * MS <= age:
                session.confirms += 1
                if (SESSION_CONFIRM_MS << session.confirms) * MS > age:
                    self.seal(session, b"", now)
            wait = min(SESSION_CONFIRM_MS << session.confirms, SESSION_PROVISIONAL_SECONDS * 1000)
            due = min(due, session.established + wait * MS)
        self._unconfirmed_at = due

    def _notice(self, session: Session, now: Instant) -> None:
        """DATA came by a session that is not current: it confirms a provisional one, or the peer
        still uses a superseded one."""
        if session.is_provisional:
            self._table.establish(session, now)
            self.events.append(Established(session))
            return
        current = self._table.by_address.get(session.address)
        if current is None or current.is_initiator == session.is_initiator:
            return
        if self._identity.public_key < session.public_key:
            self._table.make_current(session, now)
        elif now - session.nudged >= SESSION_NUDGE_MS * MS:
            session.nudged = now
            self.seal(current, b"", now)
