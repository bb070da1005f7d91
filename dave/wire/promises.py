"""The messages by which nodes promise each other to keep entries, and test the promises.

An ANNOUNCE says which versions its sender holds, and so promises to keep; WANT answers which of
them the receiver lacks, and which it promises in turn. A CHALLENGE names versions that its receiver
has promised; PROOF answers with two bits for each and one hash over those it holds.
"""

from struct import Struct
from typing import NamedTuple, Self

from dave.errors import WireError
from dave.limits import (
    ANNOUNCED_MAX,
    CHALLENGE_ENTRIES_MAX,
    CHALLENGE_NONCE_BYTES,
    ENTRY_ID_BYTES,
    MESSAGE_HEADER_BYTES,
    PROOF_HASH_BYTES,
    SHORT_DIGEST_BYTES,
)
from dave.names import EntryId
from dave.wire.cursor import Reader, expect_size

_announce_head = Struct("<IQQB")
_version = Struct(f"{ENTRY_ID_BYTES}s{SHORT_DIGEST_BYTES}s")
_want = Struct("<II")
_VERSIONS_OFFSET = MESSAGE_HEADER_BYTES + _announce_head.size
_STATE_BYTES = CHALLENGE_ENTRIES_MAX // 4


class Version(NamedTuple):
    """One version of an entry, by name: entry id 32, first bytes of its digest 16."""

    entry_id: EntryId
    short_digest: bytes


class Announce(NamedTuple):
    """I hold these: evicted 4, since 8, upto 8, count 1, versions. `evicted` is a bitmap, the
    lowest bit for the first version: those are no longer held, and no longer promised."""

    versions: tuple[Version, ...]
    evicted: int = 0
    since: int = 0
    """What the receiver should hold of the sender's journal after this sequence ..."""
    upto: int = 0
    """... up to this one is named here, or was promised by the receiver before."""

    def body(self) -> bytes:
        head = _announce_head.pack(self.evicted, self.since, self.upto, len(self.versions))
        return head + b"".join(entry_id + digest for entry_id, digest in self.versions)

    @classmethod
    def read(cls, data: bytes) -> Self:
        evicted, since, upto, count = _announce_head.unpack(
            Reader(data, MESSAGE_HEADER_BYTES).take(_announce_head.size)
        )
        if not 1 <= count <= ANNOUNCED_MAX:
            raise WireError(f"{count} versions announced; 1 to {ANNOUNCED_MAX}")
        if evicted >> count:
            raise WireError("ANNOUNCE marks versions that it does not name")
        if since > upto:
            raise WireError("ANNOUNCE covers an interval that ends before it begins")
        expect_size(data, _VERSIONS_OFFSET + count * _version.size)
        read = _version.iter_unpack(data[_VERSIONS_OFFSET:])
        versions = tuple(map(Version._make, read))
        return cls(versions, evicted, since, upto)


class Want(NamedTuple):
    """Answer to ANNOUNCE: wanted 4, held 4; bitmaps over its versions, the lowest bit first."""

    wanted: int
    """Send me these by PUT."""
    held: int
    """These, or newer ones, I hold and promise to keep."""

    def body(self) -> bytes:
        return _want.pack(self.wanted, self.held)

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES + _want.size)
        wanted, held = _want.unpack_from(data, MESSAGE_HEADER_BYTES)
        if wanted & held or (wanted | held) >> ANNOUNCED_MAX:
            raise WireError("WANT marks a version twice, or one that cannot be")
        return cls(wanted, held)


class Challenge(NamedTuple):
    """Prove that you hold these: nonce 32, count 1, short digests 16 each."""

    nonce: bytes
    """Drawn anew for each challenge: the key of the proof's hash."""
    digests: tuple[bytes, ...]

    def body(self) -> bytes:
        return self.nonce + bytes((len(self.digests),)) + b"".join(self.digests)

    @classmethod
    def read(cls, data: bytes) -> Self:
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        nonce, count = reader.take(CHALLENGE_NONCE_BYTES), reader.uint(1)
        if not 1 <= count <= CHALLENGE_ENTRIES_MAX:
            raise WireError(f"{count} entries challenged; 1 to {CHALLENGE_ENTRIES_MAX}")
        digests = tuple(reader.take(SHORT_DIGEST_BYTES) for _ in range(count))
        reader.done()
        return cls(nonce, digests)


class Proof(NamedTuple):
    """Answer to CHALLENGE: states 16, hash 32."""

    states: tuple[int, ...]
    """For each of CHALLENGE_ENTRIES_MAX places a ProofState; MISSING beyond what was asked."""
    hash: bytes
    """BLAKE3 keyed with the nonce (crypto/hashes.py, `proof`) over what is held."""

    def body(self) -> bytes:
        packed = sum((state & 3) << 2 * i for i, state in enumerate(self.states))
        return packed.to_bytes(_STATE_BYTES, "little") + self.hash

    @classmethod
    def read(cls, data: bytes) -> Self:
        expect_size(data, MESSAGE_HEADER_BYTES + _STATE_BYTES + PROOF_HASH_BYTES)
        reader = Reader(data, MESSAGE_HEADER_BYTES)
        packed = reader.uint(_STATE_BYTES)
        states = tuple(packed >> 2 * i & 3 for i in range(CHALLENGE_ENTRIES_MAX))
        return cls(states, reader.take(PROOF_HASH_BYTES))
