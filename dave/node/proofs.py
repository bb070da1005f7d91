"""The prover's side of a storage challenge: says what has become of each version, and proves those
that are held.

Anybody in a session may ask, clients too. An answer costs some 300 us of hashing, so that each
session has a budget; who is over it is not answered.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dave.crypto import hashes
from dave.drops import Drop
from dave.limits import (
    CHALLENGE_ENTRIES_MAX,
    CHALLENGED_BURST,
    CHALLENGED_PER_SECOND,
    SHORT_DIGEST_BYTES,
)
from dave.names import EntryId, Instant, Place
from dave.node.core import Core
from dave.node.notices import ChallengeMet
from dave.session.budget import Budget
from dave.session.session import Session
from dave.store.shard import Gone
from dave.store.store import Store
from dave.wire.entry import SIGNED_OFFSET
from dave.wire.promises import Challenge, Proof
from dave.wire.status import ProofState

if TYPE_CHECKING:
    from dave.node.node import Node

FindVersion = Callable[[bytes], tuple[EntryId | None, Gone | None]]
"""Called with a short digest: the id of the entry of which that is or was a version here, and why
the version is held no more."""

Withdraw = Callable[[Place, EntryId, bytes, Instant], None]
"""Called with a node, and the entry and short digest that it is to be told are held no more."""


class Proofs:
    """What one node answers to challenges."""

    def __init__(self, core: Core, store: Store, find: FindVersion, withdraw: Withdraw) -> None:
        self._core = core
        self._store = store
        self._find = find
        self._withdraw = withdraw
        self.budget = Budget(CHALLENGED_PER_SECOND, CHALLENGED_BURST)
        self.answered = 0

    def prove(self, challenge: Challenge, session: Session, now: Instant) -> Proof:
        """The answer to a challenge that came in `session`."""
        self.answered += 1
        states = [ProofState.MISSING] * CHALLENGE_ENTRIES_MAX
        held = []
        for i, short_digest in enumerate(challenge.digests):
            states[i], entry_id, signed = self._look_up(short_digest, now)
            if signed is not None:
                held.append(signed)
            elif states[i] is ProofState.EVICTED and entry_id and session.node_id is not None:
                # Whoever asks has missed it, or could not be told before.
                self._withdraw(session.node_id, entry_id, short_digest, now)
        if (notices := self._core.notices) is not None:
            notices.add(ChallengeMet(session.node_id, len(challenge.digests), len(held)))
        own_key = self._core.identity.public_key
        proof = hashes.proof(
            challenge.nonce, session.public_key, own_key, session.handshake_hash, held
        )
        return Proof(tuple(states), proof)

    def _look_up(
        self, short_digest: bytes, now: Instant
    ) -> tuple[ProofState, EntryId | None, bytes | None]:
        """What has become of a version, of which entry, and its signed bytes if it is held."""
        entry_id, gone = self._find(short_digest)
        data = None
        if entry_id is not None:
            data = self._store.get(entry_id, self._core.unix_ms(now))
        if data is not None:
            signed = self._core.network.signed_prefix + data[SIGNED_OFFSET:]
            if hashes.entry_digest(signed)[:SHORT_DIGEST_BYTES] == short_digest:
                return ProofState.HELD, entry_id, signed
        # A newer version that took its place can be gone as well. Its owner alone decides how soon
        # it expires, and so must not be able to have this node taken for one that lost the older.
        if gone is Gone.EVICTED or (gone is Gone.REPLACED and data is None):
            return ProofState.EVICTED, entry_id, None
        return (ProofState.MISSING if data is None else ProofState.NEWER), entry_id, None


def on_challenge(node: "Node", session: Session, data: bytes, now: Instant) -> None:
    """CHALLENGE: see above. Never from an INIT: the proof is over the finished session."""
    if node.refused_in_init(session, now):
        return
    challenge = Challenge.read(data)
    if not node.proofs.budget.take(session, len(challenge.digests), now):
        node.drops.add(Drop.CHALLENGES)
        return
    node.reply(session, data, node.proofs.prove(challenge, session, now), now)
