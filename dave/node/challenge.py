"""One storage challenge as its sender keeps it: what was asked, and what an answer proves.

Whoever holds the same versions can ask: a node about what it was promised, a client about what it
has read. Only who has every byte can make the proof's hash (crypto/hashes.py, `proof`), and it is
good for this nonce, these two ends and this session, so that it can be neither replayed nor
borrowed.
"""

from collections.abc import Sequence
from hmac import compare_digest

from dave.crypto import hashes
from dave.crypto.network import Network
from dave.limits import SHORT_DIGEST_BYTES
from dave.session.session import Session
from dave.wire.entry import Entry
from dave.wire.promises import Challenge, Proof
from dave.wire.status import ProofState


class OpenChallenge:
    """A challenge about `entries` (1 to CHALLENGE_ENTRIES_MAX), under a `nonce` (32 bytes) never
    used before, from the node or client with `public_key`, to be sent in `session`."""

    __slots__ = ("_public_key", "_session", "_signed", "entries", "message")

    def __init__(
        self,
        entries: Sequence[Entry],
        network: Network,
        nonce: bytes,
        public_key: bytes,
        session: Session,
    ) -> None:
        self.entries = entries
        self._signed = [entry.signed_bytes(network) for entry in entries]
        digests = (hashes.entry_digest(signed)[:SHORT_DIGEST_BYTES] for signed in self._signed)
        self.message = Challenge(nonce, tuple(digests))
        self._public_key = public_key
        self._session = session

    def judge(self, proof: Proof) -> tuple[ProofState, ...] | None:
        """What has become of each entry; None if what is claimed to be held is not proved. The
        states other than HELD are the peer's word."""
        states = tuple(ProofState(state) for state in proof.states[: len(self.entries)])
        held = [
            signed
            for signed, state in zip(self._signed, states, strict=True)
            if state is ProofState.HELD
        ]
        session = self._session
        wanted = hashes.proof(
            self.message.nonce, self._public_key, session.public_key, session.handshake_hash, held
        )
        return states if compare_digest(wanted, proof.hash) else None
