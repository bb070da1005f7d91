"""All shares that a node keeps, and the stripe records that keep them: one rule of admission, one of
eviction. The bytes of shares are elsewhere (edge/share_files.py); here is what they are, in memory.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dave.crypto.network import Network
from dave.names import Place, UnixMs
from dave.wire.share_status import ShareStatus
from dave.wire.stripe import Release, StripeRecord

RecordKey = tuple[bytes, bytes, bytes]
"""(stripe id, owner, reference): there is one record of each."""


class Judgement(NamedTuple):
    """What would become of a share that is offered with a record."""

    status: ShareStatus
    """WANTED, HELD or a reason to refuse."""
    detail: int = 0
    """As the status says."""
    digest: bytes = b""
    """Of the record, 32 bytes, with WANTED and HELD."""
    surplus: float = 0.0
    """Bits of work beyond what is asked, with WANTED and HELD."""
    is_new: bool = False
    """With HELD: the share is here, the record is not (or is better than the one held). Verify
    its signature, SaveRecord, then `insert`, then say HELD."""
    mask: int = 0
    """With WANTED, and with HELD if `is_new`: the mask to save with the record."""


class Gone(NamedTuple):
    """What the index does not hold any more: pass it on as DropShares(*gone)."""

    addresses: Sequence[bytes] = ()
    records: Sequence[RecordKey] = ()

    def __bool__(self) -> bool:
        return bool(self.addresses or self.records)


class Insertion(NamedTuple):
    """How an insertion went. Pass `gone` on in any case."""

    status: ShareStatus
    """STORED; or EXPIRED, RELEASED, LOW_RANK or FULL where that has changed since it was judged:
    then what was written is in `gone`."""
    gone: Gone


class ShareIndex:
    """Shares by address, stripes by id, within `capacity_bytes`."""

    def __init__(
        self, node_id: Place, capacity_bytes: int, network: Network, half_life_ms: int
    ) -> None:
        raise NotImplementedError

    def judge(self, record: StripeRecord, share_index: int, now_ms: UnixMs) -> Judgement:
        """Whether a share would be taken in; changes nothing. All is checked but the signature."""
        raise NotImplementedError

    def insert(self, record: StripeRecord, share_index: int, now_ms: UnixMs) -> Insertion:
        """Take in a share that is on the disk with its record (WriteShare or SaveRecord)."""
        raise NotImplementedError

    def holds(self, address: bytes) -> int | None:
        """The size in bytes of a share that is held."""
        raise NotImplementedError

    def stripe(self, stripe_id: bytes) -> tuple[StripeRecord, int] | None:
        """The best record of a stripe, and which of its shares are held (bit i: share i)."""
        raise NotImplementedError

    def stripe_ids_of(self, address: bytes) -> Sequence[bytes]:
        """The stripes here of which that share is one."""
        raise NotImplementedError

    def release(self, release: Release, now_ms: UnixMs) -> tuple[int, Gone]:
        """Let go of all records of an upload, for ever; how many there were. The caller has checked
        the signature."""
        raise NotImplementedError

    def expire(self, now_ms: UnixMs) -> Gone:
        """Let go of what has had its time; to be called every few seconds."""
        raise NotImplementedError

    def lost(self, address: bytes) -> Gone:
        """A share turned out to be damaged or missing: it is not held any more."""
        raise NotImplementedError

    def stripes(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """(number, stripe id) of each stripe whose number is above `after`, in order of arrival."""
        raise NotImplementedError

    def load(self, record: bytes, mask: int, now_ms: UnixMs) -> Gone:
        """Take in a record of which the shares in `mask` are on the disk, when the node starts."""
        raise NotImplementedError

    def load_release(self, owner: bytes, reference: bytes, time: int) -> None:
        """Take in a release, when the node starts, before any record."""
        raise NotImplementedError

    @property
    def bytes_used(self) -> int:
        """What is held, in the measure of the capacity."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError
