"""A challenge in its sender's hands: only the whole truth about what is held is taken for proof."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from dave.crypto import hashes
from dave.limits import CHALLENGE_ENTRIES_MAX
from dave.node.challenge import OpenChallenge
from dave.wire.promises import Challenge, Proof
from dave.wire.status import ProofState
from tests.store.helpers import OPEN, entry

ENTRIES = [entry(b"key %d" % i, value=b"v" * i) for i in range(6)]
SIGNED = [item.signed_bytes(OPEN) for item in ENTRIES]
NONCE, OURS, THEIRS, HASH = (bytes((i,)) * 32 for i in range(1, 5))
SESSION = SimpleNamespace(public_key=THEIRS, handshake_hash=HASH)
STATES = st.lists(st.sampled_from(ProofState), min_size=6, max_size=6)


def opened():
    return OpenChallenge(ENTRIES, OPEN, NONCE, OURS, SESSION)


def proof(states, held, nonce=NONCE, ours=OURS, theirs=THEIRS, session=HASH):
    padded = (*states, *(0,) * (CHALLENGE_ENTRIES_MAX - len(states)))
    return Proof(padded, hashes.proof(nonce, ours, theirs, session, held))


def held_by(states):
    return [s for s, state in zip(SIGNED, states, strict=True) if state is ProofState.HELD]


def test_it_names_the_versions_in_order():
    digests = tuple(item.digest(OPEN)[:16] for item in ENTRIES)
    assert opened().message == Challenge(NONCE, digests)


@given(STATES)
def test_an_honest_answer_is_taken_whatever_the_states(states):
    assert opened().judge(proof(states, held_by(states))) == tuple(states)


@given(STATES, STATES)
def test_claiming_other_entries_than_those_hashed_is_found(claimed, hashed):
    verdict = opened().judge(proof(claimed, held_by(hashed)))
    same = held_by(claimed) == held_by(hashed)
    assert (verdict is not None) == same


def test_a_proof_for_another_nonce_end_or_session_is_none():
    states = [ProofState.HELD] * 6
    good = proof(states, SIGNED)
    assert opened().judge(good) is not None
    for changed in ("nonce", "ours", "theirs", "session"):
        assert opened().judge(proof(states, SIGNED, **{changed: bytes(32)})) is None
    assert opened().judge(proof(states, SIGNED[::-1])) is None
    assert opened().judge(proof(states, [*SIGNED[:5], SIGNED[5] + b"x"])) is None


def test_states_beyond_what_was_asked_say_nothing():
    states = (ProofState.HELD,) * CHALLENGE_ENTRIES_MAX
    verdict = opened().judge(Proof(states, proof(states, SIGNED).hash))
    assert verdict == (ProofState.HELD,) * 6
