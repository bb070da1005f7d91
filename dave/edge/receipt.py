"""What the verbs give back: the value a get found, and what a put can say for itself."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from dave.crypto.network import Network
from dave.edge.addresses import format_address
from dave.edge.driver import Driver
from dave.names import HybridTime, Owner
from dave.node.results import HERE, Outcome, PutResult
from dave.uri import format_uri
from dave.wire.compression import plain_value
from dave.wire.entry import BLOB, PRIVATE, Entry

if TYPE_CHECKING:
    from dave.edge.files.receipt import Released


class Value(NamedTuple):
    """What a get returns."""

    owner: Owner
    """32 bytes."""
    key: bytes
    value: bytes
    time: HybridTime
    """When its owner wrote it; what `cas` takes."""
    digest: bytes
    """32 bytes: the name of this version."""
    expires: float
    """Unix seconds."""
    replicas: int
    """How many nodes returned this version before the get was content."""
    seconds: float
    compressed: bool
    """Whether it travelled compressed; `value` is inflated."""
    is_closed: bool = False
    """Whether `value` is empty because it is private or a file, which only a get opens (a watch
    tells of such a version, and does not)."""

    @property
    def uri(self) -> str:
        """dave://OWNER/KEY."""
        return format_uri(self.owner, self.key)


def value_of(entry: Entry, network: Network, replicas: int, seconds: float) -> Value:
    """What an entry says by itself. Raises WireError for a value that was compressed wrongly."""
    is_closed = entry.flags & (BLOB | PRIVATE) != 0
    return Value(
        owner=entry.owner,
        key=entry.key,
        value=b"" if is_closed else plain_value(entry),
        time=entry.time,
        digest=entry.digest(network),
        expires=entry.expires_ms / 1000,
        replicas=replicas,
        seconds=seconds,
        compressed=entry.is_compressed,
        is_closed=is_closed,
    )


class Name(NamedTuple):
    """What a directory says of a name."""

    owner: Owner
    """32 bytes."""
    key: bytes
    size: int
    """Bytes of the value."""
    time: HybridTime
    """When its owner wrote it; what `cas` takes."""
    expires: float
    """Unix seconds."""

    @property
    def uri(self) -> str:
        """dave://OWNER/KEY."""
        return format_uri(self.owner, self.key)


Items = (
    Mapping[str, str | bytes]
    | Mapping[bytes, str | bytes]
    | Iterable[tuple[str | bytes, str | bytes]]
)
"""Keys and values for `put_many`."""


class Refusal(NamedTuple):
    """Why a node that was asked did not store."""

    address: str
    reason: str
    """A PutStatus, or how the request failed; lower case."""
    detail: int


class Receipt:
    """What a put can say for itself: how many of how many nodes stored the entry, why not the
    others. Filled further until it is settled."""

    def __init__(self, entry: Entry, result: PutResult, driver: Driver, operation: int) -> None:
        self._entry = entry
        self._result = result
        self._driver = driver
        self._operation = operation
        self.work_hashes = 0
        """Hashes tried for the stamp."""
        self.seconds = 0.0
        """From the call to the quorum."""
        self.size = 0
        """Bytes of the value; an entry may hold them compressed."""
        self.released: Released | None = None
        """After a delete: what became of the shares, if it was a file."""

    async def settled(self) -> "Receipt":
        """Wait until every node that was asked has answered or the time is used up."""
        if not self._result.is_settled:
            await self._driver.wait(self._operation + 1)
        return self

    @property
    def uri(self) -> str:
        """dave://OWNER/KEY."""
        return format_uri(self._entry.owner, self._entry.key)

    @property
    def owner(self) -> Owner:
        """32 bytes."""
        return self._entry.owner

    @property
    def key(self) -> bytes:
        """The key as bytes."""
        return self._entry.key

    @property
    def digest(self) -> bytes:
        """32 bytes: the name of this version."""
        return self._entry.digest(self._driver.core.network)

    @property
    def time(self) -> HybridTime:
        """What `cas` takes."""
        return self._entry.time

    @property
    def ttl(self) -> int:
        """Seconds that the key lives; 0 where it was deleted."""
        return 0 if self._entry.is_tombstone else self._entry.ttl

    @property
    def expires(self) -> float:
        """Unix seconds."""
        return self._entry.expires_ms / 1000

    @property
    def encoded(self) -> bytes:
        """The entry, byte by byte, as it was sent."""
        return self._entry.data

    @property
    def stored(self) -> int:
        """How many nodes have committed the entry."""
        return self._result.stored

    @property
    def asked(self) -> int:
        """How many nodes were asked, those that did not answer included."""
        return len(self._result.outcomes)

    @property
    def replicas(self) -> list[str]:
        """The addresses of the nodes that stored it."""
        return [_where(outcome) for outcome in self._result.outcomes if outcome.stored]

    @property
    def refused(self) -> list[Refusal]:
        """Those that did not store it, with the reason."""
        refusals = []
        for outcome in self._result.outcomes:
            if not outcome.stored:
                ack = outcome.ack
                why = ack.status if ack else outcome.failure
                reason = "?" if why is None else why.name.lower()
                refusals.append(Refusal(_where(outcome), reason, ack.detail if ack else 0))
        return refusals

    def __repr__(self) -> str:
        return f"<Receipt {self.uri}: stored {self.stored} of {self.asked}>"


def _where(outcome: Outcome) -> str:
    return "here" if outcome.address == HERE else format_address(outcome.address)
