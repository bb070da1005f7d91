"""The side that asks: handshakes under way, their retries, and what becomes of them.

A responder whose nonce is unknown is asked by HELLO first; then an INIT goes out, with a fresh
ephemeral key at each attempt (the responder drops one it has seen). An ACCEPT may answer any of
the attempts, so a round trip longer than the first interval costs nothing.

A contact may name an honest address with a key that is not that node's. So handshakes towards one
address for different keys, or for any key, run side by side, and one that fails ends alone.
"""

from hmac import compare_digest

from dave.crypto import hashes
from dave.crypto.identity import Identity, checked_node_id
from dave.crypto.network import Network
from dave.drops import Drop, Drops
from dave.errors import UsageError, WireError
from dave.limits import (
    HANDSHAKE_ATTEMPTS,
    HANDSHAKE_PATIENT_MS,
    HANDSHAKE_RETRY_MS,
    HANDSHAKES_PENDING_MAX,
    HELLO_RANDOM_BYTES,
    INIT_MESSAGE_BYTES_MAX,
    INIT_OVERHEAD_BYTES,
    PACKET_BYTES_MAX,
)
from dave.names import MS, Address, Instant, Place, Rng
from dave.session import noise
from dave.session.cookies import NO_COOKIE
from dave.session.session import NEVER, Established, Failed, FailReason, Outgoing, Session
from dave.session.table import SessionTable
from dave.wire.packet import (
    INIT_PAYLOAD_BYTES_MIN,
    NO_NONCE,
    Accept,
    Cookie,
    Hello,
    Init,
    InitPayload,
)


class Opening:
    """A handshake under way towards one address, for one key or for any."""

    __slots__ = (
        "address",
        "asked_key",
        "attempt",
        "attempts_max",
        "cookie",
        "due",
        "is_rekey",
        "message",
        "node_id",
        "nonce",
        "public_key",
        "random",
        "reply_bytes",
        "tries",
    )

    def __init__(
        self, address: Address, asked_key: bytes | None, random: bytes, is_rekey: bool
    ) -> None:
        self.address = address
        self.asked_key = asked_key
        """The key that the caller asked for; None if any will do."""
        self.random = random
        self.is_rekey = is_rekey
        self.public_key = asked_key
        self.nonce: bytes | None = None
        self.node_id: Place | None = None
        """None while we wait for the COOKIE that answers our HELLO."""
        self.cookie = NO_COOKIE
        self.message = b""
        self.reply_bytes = 0
        self.attempt = 0
        self.attempts_max = HANDSHAKE_ATTEMPTS
        self.due: Instant = NEVER
        self.tries: dict[int, noise.Initiator] = {}
        """INITs sent, by the session index that each of them names."""


class HandshakeInitiator:
    """Opens sessions; at most HANDSHAKES_PENDING_MAX at a time."""

    __slots__ = (
        "_by_index",
        "_drops",
        "_identity",
        "_network",
        "_openings",
        "_out",
        "_rng",
        "_table",
        "due",
        "says_node",
    )

    def __init__(
        self,
        identity: Identity,
        network: Network,
        rng: Rng,
        drops: Drops,
        table: SessionTable,
        out: Outgoing,
    ) -> None:
        self._identity = identity
        self._network = network
        self._rng = rng
        self._drops = drops
        self._table = table
        self._out = out
        self._openings: dict[tuple[Address, bytes | None], Opening] = {}
        """By address and by the key asked for."""
        self._by_index: dict[int, Opening] = {}
        self.due: Instant = NEVER
        """Not later than the first retry."""
        self.says_node = identity.id is not None
        """Whether INITs present us as a node. One that cannot be reached goes as a client."""

    def __len__(self) -> int:
        return len(self._openings)

    def connect(
        self,
        address: Address,
        now: Instant,
        public_key: bytes | None,
        nonce: bytes | None,
        message: bytes,
        reply_bytes: int,
        is_rekey: bool = False,
        attempts: int = HANDSHAKE_ATTEMPTS,
    ) -> None:
        """See Sessions.connect."""
        _check(public_key, nonce, message, reply_bytes)
        opening = self._openings.get((address, public_key))
        if opening is not None:
            _join(opening, message, reply_bytes, is_rekey)
            return
        if len(self._openings) >= HANDSHAKES_PENDING_MAX:
            if not is_rekey:
                self._out.events.append(Failed(address, FailReason.FULL, public_key))
            return
        random = self._rng.randbytes(HELLO_RANDOM_BYTES)
        opening = Opening(address, public_key, random, is_rekey)
        opening.nonce = nonce
        opening.attempts_max = attempts
        opening.message, opening.reply_bytes = message, reply_bytes
        self._openings[address, public_key] = opening
        if public_key is not None and nonce is not None:
            opening.node_id = checked_node_id(public_key, nonce, self._network.node_work_bits)
            if opening.node_id is None:
                return self._fail(opening, FailReason.NODE_WORK)
        self._try(opening, now)

    def forget(self, address: Address) -> None:
        """Give up all handshakes towards an address, without an event."""
        for opening in [o for o in self._openings.values() if o.address == address]:
            self._remove(opening)

    def receive_cookie(self, cookie: Cookie, address: Address, now: Instant) -> None:
        """Go on to INIT with what a COOKIE says, or end the handshake if it says that there is no
        use."""
        opening = self._find_asked(cookie, address)
        if opening is None:
            return self._drops.add(Drop.COOKIE)
        proof = hashes.network_proof(self._network.key, cookie.echo, cookie.public_key)
        if not compare_digest(proof, cookie.proof):
            self._drops.add(Drop.COOKIE)
            return self._fail(opening, FailReason.OTHER_NETWORK)
        is_other_key = opening.public_key not in (None, cookie.public_key)
        if is_other_key or opening.nonce not in (None, cookie.nonce):
            return self._fail(opening, FailReason.OTHER_KEY)
        bits = self._network.node_work_bits
        node_id = checked_node_id(cookie.public_key, cookie.nonce, bits)
        if node_id is None:
            self._drops.add(Drop.NODE_WORK)
            return self._fail(opening, FailReason.NODE_WORK)
        if opening.cookie == NO_COOKIE:  # later ones use up attempts, or a peer could loop us
            opening.attempt = 0
        opening.public_key, opening.nonce = cookie.public_key, cookie.nonce
        opening.node_id, opening.cookie = node_id, cookie.cookie
        self._try(opening, now)

    def receive_accept(
        self, accept: Accept, address: Address, now: Instant
    ) -> tuple[Session, bytes] | None:
        """The session that an ACCEPT completes, and the reply in it."""
        opening = self._by_index.get(accept.receiver)
        if opening is None or opening.address != address:
            self._drops.add(Drop.HANDSHAKE)
            return None
        handshake = opening.tries[accept.receiver]
        try:
            message = handshake.read(accept.noise)
        except WireError:
            self._drops.add(Drop.HANDSHAKE)
            return None
        assert opening.public_key is not None
        assert opening.nonce is not None
        self._remove(opening)
        for key in (None, opening.public_key):  # whoever asked for these is served as well
            other = self._openings.get((address, key))
            if other is not None:
                self._remove(other)
        indexes = accept.receiver, accept.sender
        node = opening.node_id, opening.nonce
        session = Session(address, indexes, opening.public_key, node, True, now)
        session.take_keys(handshake.split())
        self._table.establish(session, now)
        self._out.events.append(Established(session))
        return session, message

    def handle_timer(self, now: Instant) -> None:
        """Send again what is due."""
        if now < self.due:
            return
        for opening in list(self._openings.values()):
            if opening.due <= now:
                self._try(opening, now)
        self.due = min((o.due for o in self._openings.values()), default=NEVER)

    def _find_asked(self, cookie: Cookie, address: Address) -> Opening | None:
        for opening in self._openings.values():
            if opening.address == address and _is_asked(opening, cookie):
                return opening
        return None

    def _try(self, opening: Opening, now: Instant) -> None:
        if opening.attempt == opening.attempts_max:
            return self._fail(opening, FailReason.NO_ANSWER)
        is_patient = opening.attempts_max < HANDSHAKE_ATTEMPTS
        wait = HANDSHAKE_PATIENT_MS if is_patient else HANDSHAKE_RETRY_MS << opening.attempt
        opening.due = now + wait * MS
        opening.attempt += 1
        self.due = min(self.due, opening.due)
        if opening.node_id is None:
            packet = Hello(opening.random).encode()
        else:
            try:
                packet = self._init(opening, opening.node_id).encode()
            except WireError:
                # A key of small order, which is nobody's, and anybody can tell us of.
                self._drops.add(Drop.HANDSHAKE)
                return self._fail(opening, FailReason.OTHER_KEY)
        self._out.outbox.append((packet, opening.address))
        return None

    def _init(self, opening: Opening, node_id: Place) -> Init:
        assert opening.public_key is not None
        identity = self._identity
        handshake = noise.Initiator(
            identity.private_key,
            identity.public_key,
            opening.public_key,
            noise.prologue(self._network.node_work_bits, node_id),
            self._network.key,
            self._rng.randbytes(32),
        )
        nonce = identity.nonce if self.says_node else NO_NONCE
        payload = InitPayload(self.says_node, nonce, opening.message)
        header = INIT_OVERHEAD_BYTES - INIT_PAYLOAD_BYTES_MIN
        first = handshake.write(payload.encode(opening.reply_bytes - header))
        index = self._table.draw_index()
        self._table.reserved.add(index)
        self._by_index[index] = opening
        opening.tries[index] = handshake
        return Init(index, opening.cookie, first)

    def _fail(self, opening: Opening, reason: FailReason) -> None:
        self._remove(opening)
        if not opening.is_rekey:  # the session it would replace is still good
            self._out.events.append(Failed(opening.address, reason, opening.asked_key))

    def _remove(self, opening: Opening) -> None:
        del self._openings[opening.address, opening.asked_key]
        for index in opening.tries:
            del self._by_index[index]
            self._table.reserved.discard(index)


def _is_asked(opening: Opening, cookie: Cookie) -> bool:
    if opening.node_id is None:
        return cookie.echo == opening.random
    if cookie.cookie == opening.cookie:  # a duplicate
        return False
    return any(t.ephemeral_public[:16] == cookie.echo for t in opening.tries.values())


def _join(opening: Opening, message: bytes, reply_bytes: int, is_rekey: bool) -> None:
    opening.is_rekey = opening.is_rekey and is_rekey
    if not opening.message:
        opening.message = message
    opening.reply_bytes = max(opening.reply_bytes, reply_bytes)


def _check(public_key: bytes | None, nonce: bytes | None, message: bytes, reply_bytes: int) -> None:
    if nonce is not None and public_key is None:
        raise UsageError("a nonce says nothing without its public key: give both, or neither")
    if len(message) > INIT_MESSAGE_BYTES_MAX:
        raise UsageError(f"an INIT carries at most {INIT_MESSAGE_BYTES_MAX} bytes of message")
    if reply_bytes > PACKET_BYTES_MAX:
        raise UsageError(f"reply_bytes is at most {PACKET_BYTES_MAX}, the largest datagram")
