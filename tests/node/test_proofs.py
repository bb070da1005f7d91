"""Whoever has a session may have a node prove what it holds, within a budget."""

from dave.crypto import hashes
from dave.drops import Drop
from dave.limits import CHALLENGE_ENTRIES_MAX, CHALLENGED_BURST, CHALLENGED_PER_SECOND
from dave.names import SECOND
from dave.node.challenge import OpenChallenge
from dave.node.proofs import Proofs
from dave.store.shard import Gone
from dave.wire import messages
from dave.wire.promises import Challenge, Proof
from dave.wire.status import ProofState
from tests.node.helpers import NODE, Stage, dropped
from tests.node.replica_helpers import Replica, version_of

HELD, NEWER, EVICTED, MISSING = (
    ProofState.HELD,
    ProofState.NEWER,
    ProofState.EVICTED,
    ProofState.MISSING,
)


def a_stage(count=3):
    """A node, a client with a session to it, and entries that the node holds."""
    stage = Stage()
    client = stage.asker()
    entries = [stage.entry(b"key %d" % i, b"v" * i) for i in range(count)]
    for entry in entries:
        client.put_now(entry)
    return stage, client, entries


def opened(stage, client, entries, nonce=bytes(32)):
    session = client.sessions.find(NODE)
    return OpenChallenge(entries, stage.network, nonce, client_key(client), session)


def client_key(client):
    return client.sessions._identity.public_key


def asked(stage, client, entries, nonce=bytes(32)):
    """What the node's answer comes to."""
    challenge = opened(stage, client, entries, nonce)
    return challenge.judge(client.ask(challenge.message))


def answer(stage, digest, find):
    proofs = Proofs(stage.node, stage.store, find, lambda *nothing: None)
    session = next(iter(stage.node.sessions._table.by_index.values()))
    return proofs.prove(Challenge(bytes(32), (digest[:16],)), session, stage.now)


def test_what_is_held_is_proved_to_a_client():
    stage, client, entries = a_stage()
    assert asked(stage, client, entries) == (HELD,) * 3
    assert stage.node.proofs.answered == 1


def test_64_entries_fit_one_challenge():
    stage, client, entries = a_stage(CHALLENGE_ENTRIES_MAX)
    assert asked(stage, client, entries) == (HELD,) * CHALLENGE_ENTRIES_MAX


def test_what_was_never_stored_is_missing_and_the_rest_still_proved():
    stage, client, entries = a_stage()
    other = stage.entry(b"other")
    assert asked(stage, client, [entries[0], other, entries[2]]) == (HELD, MISSING, HELD)


def test_of_an_old_version_the_node_says_that_it_has_a_newer_one():
    stage, client, entries = a_stage()
    client.put_now(stage.entry(b"key 1", b"changed", ahead_ms=1))
    assert asked(stage, client, entries) == (HELD, NEWER, HELD)


def test_another_stamp_or_signature_is_the_same_version():
    stage, client, entries = a_stage(1)
    other = entries[0].with_proofs(bytes(64), b"8 bytes.")
    assert asked(stage, client, [other]) == (HELD,)


def test_what_has_expired_is_missing():
    stage, client, _ = a_stage(1)
    short = stage.entry(b"short", ttl=2)
    client.put_now(short)
    assert asked(stage, client, [short]) == (HELD,)
    stage.run(3)
    assert asked(stage, client, [short]) == (MISSING,)


def test_what_a_version_replaced_that_has_expired_since_is_held_no_more_and_announced():
    stage = Stage()
    peer, entry = Replica(stage), stage.entry()
    client = stage.asker()
    client.put_now(entry)
    stage.run(1)
    client.put_now(stage.entry(value=b"brief", ttl=1, ahead_ms=1))
    stage.run(2)
    assert asked(stage, client, [entry]) == (EVICTED,)
    stage.run(1)
    assert not any(announce.evicted for announce in peer.announced), (
        "nobody is told of what a client asked"
    )
    assert asked(stage, peer, [entry]) == (EVICTED,)
    stage.run(1)
    [announce] = [announce for announce in peer.announced if announce.evicted]
    assert (announce.versions, announce.evicted) == ((version_of(stage, entry),), 1)


def test_an_announced_eviction_is_told_unless_the_version_is_back():
    stage, _, entries = a_stage(1)
    digest = entries[0].digest(stage.network)
    gone = stage.entry(b"gone")
    found = answer(stage, gone.digest(stage.network), lambda short: (gone.id, Gone.EVICTED))
    assert found.states[0] is EVICTED
    assert answer(stage, digest, lambda short: (entries[0].id, Gone.EVICTED)).states[0] is HELD
    other = answer(stage, b"other" * 7, lambda short: (entries[0].id, Gone.EVICTED))
    assert other.states[0] is EVICTED


def test_a_proof_is_bound_to_nonce_ends_and_session():
    stage, client, entries = a_stage()
    challenge = opened(stage, client, entries)
    proof = client.ask(challenge.message)
    assert challenge.judge(proof) == (HELD,) * 3
    assert opened(stage, client, entries, b"n" * 32).judge(proof) is None
    other = stage.asker()
    other.open()
    assert opened(stage, other, entries).judge(proof) is None
    assert opened(stage, client, entries[:2]).judge(proof) is None


def test_a_session_has_a_budget_that_others_do_not_feel():
    stage, client, entries = a_stage(CHALLENGE_ENTRIES_MAX)
    challenge = opened(stage, client, entries).message
    for _ in range(CHALLENGED_BURST // CHALLENGE_ENTRIES_MAX):
        assert isinstance(client.ask(challenge), Proof)
    assert client.ask(challenge) is None
    assert dropped(stage, Drop.CHALLENGES) == 1
    other = stage.asker()
    other.open()
    assert asked(stage, other, entries[:1]) == (HELD,)
    stage.now += (CHALLENGE_ENTRIES_MAX // CHALLENGED_PER_SECOND) * SECOND
    assert isinstance(client.ask(challenge), Proof)
    assert client.ask(challenge) is None


def test_an_init_may_not_carry_a_challenge():
    stage, _, entries = a_stage()
    stage.run(300)
    other = stage.asker()
    other.open(messages.encode(b"1234", Challenge(bytes(32), (bytes(16),))), room=200)
    assert dropped(stage, Drop.NOT_IN_INIT) == 1
    assert other.accepted == [b""]
    assert asked(stage, other, entries) == (HELD,) * 3


def test_what_is_no_challenge_is_dropped():
    stage, client, _ = a_stage(1)
    client.send_bytes(b"\x0d" + bytes(4) + bytes(32) + b"\0")
    assert dropped(stage, Drop.WIRE) == 1
    assert stage.node.proofs.answered == 0


def test_the_hash_is_the_one_that_the_protocol_names():
    stage, client, entries = a_stage(2)
    challenge = opened(stage, client, entries, b"n" * 32)
    session = client.sessions.find(NODE)
    signed = [entry.signed_bytes(stage.network) for entry in entries]
    keys = client_key(client), stage.identity.public_key
    wanted = hashes.proof(b"n" * 32, *keys, session.handshake_hash, signed)
    assert client.ask(challenge.message).hash == wanted
