"""Other nodes beside the one on stage: real sessions, and answers as a test wants them."""

from dave.crypto.identity import node_identity
from dave.limits import REPAIR_CAME_SECONDS, REPAIR_LOOK_SECONDS, SHORT_DIGEST_BYTES
from dave.names import Address
from dave.peers.contact import Contact
from dave.session.sessions import Sessions
from dave.wire import messages
from dave.wire.messages import (
    Dial,
    DialAck,
    Find,
    FindAck,
    GetMyAddrPort,
    GetMyAddrPortAck,
    Message,
    Ping,
    Pong,
    Put,
    PutAck,
)
from dave.wire.promises import Announce, Version, Want
from dave.wire.status import PutStatus
from tests.node.helpers import NODE, Asker, Stage


class Replica(Asker):
    """A node in the stage's table, with a session; `holds` of what is announced, or `wants` it."""

    def __init__(self, stage: Stage, *, is_above: bool | None = None) -> None:
        number = len(stage.askers) + 1
        address: Address = (f"10.{number >> 8}.{number & 255}.9", 999)
        super().__init__(stage, address, is_node=True)
        identity = node_identity(stage.rng.randbytes(32), bytes(8))
        while is_above is not None and (identity.id > stage.node.id) != is_above:
            identity = node_identity(stage.rng.randbytes(32), bytes(8))
        self.identity = identity
        self.sessions = Sessions(identity, stage.network, stage.rng, self.drops)
        self.announced: list[Announce] = []
        self.handed: list[Put] = []
        self.byes = 0
        self.holds = self.wants = self.is_silent = False
        self.ack = PutAck(PutStatus.STORED)
        stage.askers[address] = self
        self.open()
        self.send_bytes(b"")  # makes the session good on the other side
        stage.node.table.add(self.contact, stage.now)
        stage.run(2 * (REPAIR_LOOK_SECONDS + REPAIR_CAME_SECONDS))  # until that is no news
        self.announced.clear()

    @property
    def id(self) -> int:
        assert self.identity.id is not None
        return self.identity.id

    @property
    def contact(self) -> Contact:
        return Contact(self.identity.public_key, self.identity.nonce, self.address, self.id)

    @property
    def versions(self) -> list[Version]:
        """All that was announced, in order."""
        return [version for announce in self.announced for version in announce.versions]

    def promised(self, entry) -> bool:
        """Whether the node on stage takes our promise for given."""
        return self.stage.node.promises.has(self.id, entry.id)

    def announce(self, *entries, evicted: int = 0) -> Want | None:
        """Announce these; the answer, if one came."""
        versions = tuple(version_of(self.stage, entry) for entry in entries)
        return self.ask(Announce(versions, evicted))

    def receive(self, data: bytes) -> None:
        received = self.sessions.receive(data, NODE, self.stage.now)
        if received is None:
            return
        self._session, message = received
        if message:
            self._answer(*messages.decode(message))
        elif self._session.wants_accept:
            self.sessions.seal(self._session, b"", self.stage.now)

    def _answer(self, request_id: bytes, message: Message) -> None:
        if self.is_silent:
            return
        if isinstance(message, Ping):
            self.answer(request_id, Pong(0))
        elif isinstance(message, Find):
            self.answer(request_id, FindAck(()))
        elif isinstance(message, GetMyAddrPort):
            self.answer(request_id, GetMyAddrPortAck(self.address))
        elif isinstance(message, Dial):
            self.answer(request_id, DialAck(True))
        elif isinstance(message, Announce):
            self.announced.append(message)
            all_of_it = (1 << len(message.versions)) - 1
            all_of_it &= ~message.evicted
            self.answer(request_id, Want(all_of_it * self.wants, all_of_it * self.holds))
        elif isinstance(message, Put):
            self.handed.append(message)
            self.answer(request_id, self.ack)
        elif isinstance(message, messages.Bye):
            self.byes += 1
        else:
            self.take(request_id, message)

    def answer(self, request_id: bytes, reply: Message) -> None:
        self.sessions.seal(self._session, messages.encode(request_id, reply), self.stage.now)


def version_of(stage: Stage, entry) -> Version:
    return Version(entry.id, entry.digest(stage.network)[:SHORT_DIGEST_BYTES])
