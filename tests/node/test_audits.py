"""What peers promised is tested: by nodes that keep it, break it, are slow, lie, or are gone."""

from collections import Counter

import pytest

from dave.drops import Drop
from dave.limits import (
    AUDIT_GRACE_SECONDS,
    AUDIT_LOOKED_MAX,
    AUDIT_SECONDS,
    AUDIT_SILENCES_MAX,
    AUDITS_MAX,
    CHALLENGE_ENTRIES_MAX,
    CLOCK_AHEAD_MS_MAX,
    PROMISERS_MAX,
)
from dave.names import SECOND
from dave.node.audits import Audits
from dave.node.core import peer_of
from dave.peers.contact import Contact
from dave.wire.messages import Get, Ping
from dave.wire.promises import Challenge
from dave.wire.status import ProofState
from tests.node.auditing import (
    ANNOUNCE,
    CHALLENGE,
    GET,
    PING,
    Pair,
    claims,
    delay,
    evict,
    outcomes,
    update,
)


def test_who_holds_what_it_promised_has_kept_a_promise():
    pair = Pair()
    assert pair.audit() == "kept"
    assert pair.evidence == (1, 0)
    assert [len(challenge.digests) for challenge in pair.seen] == [CHALLENGE_ENTRIES_MAX]
    assert len(set(pair.seen[0].digests)) == CHALLENGE_ENTRIES_MAX


def test_one_missing_entry_is_a_broken_promise_and_promised_no_more():
    pair = Pair(entries=20)
    pair.lose(pair.prover, pair.entries[7])
    assert pair.audit() == "broken"
    assert pair.evidence == (0, 1)
    assert [pair.has_promised(entry) for entry in pair.entries].index(False) == 7
    assert pair.audit() == "kept", "what is left is there"


def test_who_lost_everything_is_found_at_once():
    pair = Pair()
    pair.lose(pair.prover, *pair.entries)
    assert pair.audit() == "broken"
    assert len(pair.seen) == 1


def test_who_claims_what_it_lacks_has_no_hash_for_it():
    pair = Pair(entries=20)
    pair.lose(pair.prover, pair.entries[7])
    pair.alter(claims(ProofState.HELD))
    assert pair.audit() == "broken"
    assert not any(pair.has_promised(entry) for entry in pair.entries), "any may be the one"


def test_an_old_proof_is_worth_nothing():
    pair = Pair(entries=20)
    kept = []
    pair.alter(lambda proof: kept.append(proof) or kept[0])
    assert pair.audit() == "kept"
    assert pair.audit() == "broken"


def test_only_what_was_promised_is_asked_for():
    pair = Pair(entries=20)
    for entry in pair.entries[10:]:
        pair.asker.node.promises.withdraw(pair.contact.id, entry.id)
    assert pair.audit() == "kept"
    promised = {entry.digest(pair.world.network)[:16] for entry in pair.entries[:10]}
    assert set(pair.seen[0].digests) == promised


def test_without_a_promise_that_we_hold_there_is_no_audit():
    pair = Pair(entries=3)
    pair.lose(pair.asker, *pair.entries)
    assert not pair.begin()
    pair.asker.node.promises.forget_peer(pair.contact.id)
    assert not pair.begin()


def test_what_expires_soon_is_not_asked_for():
    pair = Pair(entries=4, ttl=CLOCK_AHEAD_MS_MAX // 1000 + 60)
    assert pair.audit() == "kept"
    pair.world.run(60)
    assert not pair.begin()


def test_a_peer_is_audited_once_in_ten_minutes():
    pair = Pair(entries=3)
    audits = pair.asker.node.audits
    pair.audit()
    pair.world.run(30)
    assert not audits.challenge(pair.contact, audits._last[pair.contact.id] + AUDIT_SECONDS - 1)
    assert audits.challenge(pair.contact, pair.world.now + AUDIT_SECONDS * SECOND)
    assert not audits.challenge(pair.contact, pair.world.now + 2 * AUDIT_SECONDS * SECOND)


def test_the_probes_of_a_node_are_audits_where_something_is_promised():
    pair = Pair(entries=5)
    pair.world.run(120)
    assert pair.asker.node.audits.kept == 1
    assert len(pair.seen) == 1
    pair.world.run(AUDIT_SECONDS)
    assert pair.asker.node.audits.kept == 2
    assert pair.prover.node.trust.evidence(pair.asker.node.id) is None, "it promised nothing"


def test_a_neighbour_that_is_never_silent_is_audited_too():
    pair = Pair(entries=5)
    for _ in range(120):
        peer = pair.prover.node.table.get(pair.asker.node.id)
        pair.prover.node.ask(peer_of(peer), Ping(), lambda *_: None, pair.world.now)
        pair.prover.settle()
        pair.world.run(1)
    assert pair.asker.node.audits.kept == 1


# --- Time ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("milliseconds", "outcome"), [(19, "kept"), (21, "broken")])
def test_a_proof_has_20_ms_more_than_the_round_trip(milliseconds, outcome):
    pair = Pair(entries=3)
    delay(pair, milliseconds)
    assert pair.audit() == outcome


def test_who_never_proves_but_is_there_breaks_its_promise_at_the_fifth_challenge():
    pair = Pair()
    pair.serve = lambda session, message, now: None
    assert pair.audit() == "broken"
    assert pair.evidence == (0, 1)
    assert len(pair.seen) == AUDIT_SILENCES_MAX
    assert len({challenge.nonce for challenge in pair.seen}) == AUDIT_SILENCES_MAX
    assert len({challenge.digests for challenge in pair.seen}) == AUDIT_SILENCES_MAX


def test_lost_challenges_are_asked_again_and_held_against_nobody():
    pair = Pair(entries=3)
    pair.watch = lambda *args: None
    honest = pair.prover.node.handlers[CHALLENGE]
    left = [1] * (AUDIT_SILENCES_MAX - 1)
    pair.prover.node.handlers[CHALLENGE] = lambda *args: left.pop() if left else honest(*args)
    assert pair.audit() == "kept"
    assert pair.evidence == (1, 0)
    assert len(pair.seen) == 1


def test_a_lost_challenge_does_not_end_the_session():
    pair = Pair(entries=3)
    sessions = pair.asker.node.sessions
    pair.audit()
    before = sessions.find(pair.contact.address)
    pair.serve = lambda session, message, now: None
    pair.audit()
    assert sessions.find(pair.contact.address) is before is not None


def test_who_is_gone_is_offline_and_nothing_is_said_of_its_promises():
    pair = Pair(entries=3)
    pair.world.kill(pair.prover)
    assert pair.audit() == "offline"
    assert pair.evidence is None
    assert all(pair.has_promised(entry) for entry in pair.entries)


def test_who_answers_anything_else_is_not_offline():
    pair = Pair(entries=3)
    handlers = pair.prover.node.handlers
    pair.serve = handlers[PING] = lambda session, message, now: None

    def ask():
        node = pair.asker.node
        node.ask(peer_of(pair.contact), Get(bytes(32)), lambda answer, now: None, pair.world.now)
        pair.asker.settle()
        pair.world.clock.schedule(pair.world.now + SECOND // 2, ask)

    ask()
    assert pair.audit(seconds=60) == "broken"


def test_another_node_at_its_address_is_not_challenged_in_its_place():
    pair = Pair(entries=3)
    node, other = pair.asker.node, pair.world.add_node()
    pair.world.run(3)
    asked = []
    other.node.handlers[CHALLENGE] = lambda session, message, now: asked.append(message)
    by_address = node.sessions._table.by_address
    by_address[pair.contact.address] = by_address[other.address]
    pair.world.kill(pair.prover)
    seen_at = pair.world.now + SECOND
    pair.world.clock.schedule(seen_at, lambda: node.table.seen(pair.contact.id, seen_at))
    assert pair.audit(seconds=60) == "offline"
    assert not asked
    assert pair.evidence is None


def test_without_a_session_a_ping_opens_one():
    pair = Pair(entries=3)
    for one, other in ((pair.asker, pair.prover), (pair.prover, pair.asker)):
        one.node.sessions.forget(other.address)
    assert pair.audit() == "kept"
    assert len(pair.seen) == 1


def test_the_sample_of_a_round_trip_is_enough_for_who_is_in_no_table():
    pair = Pair(entries=3)
    for _ in range(5):
        pair.asker.node.table.failed(pair.contact.id, pair.world.now)
    assert pair.audit() == "kept"


def test_nobody_is_asked_while_requests_are_full(monkeypatch):
    pair = Pair(entries=3)
    pair.audit()
    monkeypatch.setattr("dave.node.requests.REQUESTS_IN_FLIGHT_MAX", 0)
    assert pair.audit() == "unsettled"
    pair.asker.node.sessions.forget(pair.contact.address)
    audits = pair.asker.node.audits
    before = outcomes(audits)
    assert pair.begin()
    assert outcomes(audits) == before
    assert len(audits) == 0


# --- Newer and evicted -----------------------------------------------------------------------


def test_newer_versions_are_delivered_and_count_as_kept():
    pair = Pair(entries=6)
    update(pair, pair.prover, 3)
    assert pair.audit() == "kept"
    assert [pair.has_promised(entry) for entry in pair.entries] == [False] * 3 + [True] * 3


@pytest.mark.parametrize("has_lost", [False, True])
def test_a_lie_about_newer_versions_is_found(has_lost):
    pair = Pair(entries=6)
    if has_lost:
        pair.lose(pair.prover, *pair.entries)
    honest = pair.prover.node.proofs.prove

    def lie(challenge, session, now):
        nothing_held = honest(Challenge(challenge.nonce, (bytes(16),)), session, now)
        return claims(ProofState.NEWER)(nothing_held)

    pair.prover.node.proofs.prove = lie
    assert pair.audit() == "broken"
    assert pair.evidence == (0, 1)


def test_a_newer_version_that_its_owner_never_signed_is_a_failure():
    pair = Pair(entries=1)
    entry = pair.entries[0]
    forged = pair.owner.entry(b"key 0", b"changed", pair.world.time())
    forged = forged.with_proofs(bytes(64), forged.nonce)
    node = pair.prover.node
    node.store.insert(forged, entry.id, 1 << 40, node.unix_ms(pair.world.now), 0.0)
    assert pair.audit() == "broken"


def test_who_claims_a_newer_version_and_is_silent_then_is_asked_again():
    pair = Pair(entries=1)
    update(pair, pair.prover, 1)
    pair.prover.node.handlers[GET] = lambda session, message, now: None
    assert pair.audit(seconds=120) == "broken"
    assert len(pair.seen) == AUDIT_SILENCES_MAX


def test_an_eviction_that_was_announced_is_no_broken_promise():
    pair = Pair(entries=6)
    evict(pair, *pair.entries[:2])
    assert pair.begin()
    pair.world.run(1)
    for entry in pair.entries[:2]:  # what a late announcement does
        pair.asker.node.promises.withdraw(pair.contact.id, entry.id)
    pair.world.run(AUDIT_GRACE_SECONDS)
    assert outcomes(pair.asker.node.audits) == Counter(kept=1)


def replace_and_expire(pair, count):
    """The owner replaces the first entries at the prover alone, by versions that live a second."""
    node = pair.prover.node
    for i, entry in enumerate(pair.entries[:count]):
        brief = pair.owner.entry(b"key %d" % i, b"brief", pair.world.time(), 1)
        now_ms = node.unix_ms(pair.world.now)
        node.store.insert(brief, entry.id, 1 << 40 | i, now_ms, 0.0)
    pair.world.run(2)


@pytest.mark.parametrize(("entries", "outcome"), [(2, "unsettled"), (6, "kept")])
def test_who_was_given_a_newer_version_that_has_expired_is_not_framed(entries, outcome):
    pair = Pair(entries=entries)
    pair.asker.node.handlers[ANNOUNCE] = pair.honest_announce
    replace_and_expire(pair, 2)
    assert pair.audit(seconds=2 * AUDIT_GRACE_SECONDS) == outcome
    assert pair.evidence == (None if outcome == "unsettled" else (1, 0))
    assert [pair.has_promised(entry) for entry in pair.entries[:2]] == [False] * 2


def test_an_eviction_that_nobody_announced_is_a_broken_promise():
    pair = Pair(entries=6)
    evict(pair, *pair.entries[:2])
    assert pair.audit() == "broken"
    assert [pair.has_promised(entry) for entry in pair.entries] == [False] * 2 + [True] * 4


def test_an_eviction_while_the_challenger_was_away_is_no_broken_promise():
    pair = Pair(entries=6)
    promises = pair.asker.node.promises
    promises.forget_peer(pair.contact.id)
    for entry in pair.entries:
        promises.restore(entry.id, [pair.contact.id])
    evict(pair, *pair.entries[:2])
    assert pair.audit() == "kept"
    assert [pair.has_promised(entry) for entry in pair.entries] == [False] * 2 + [True] * 4


def test_evictions_alone_say_nothing_of_trust():
    pair = Pair(entries=2)
    evict(pair, *pair.entries)
    assert pair.begin()
    for entry in pair.entries:
        pair.asker.node.promises.forget_entry(entry.id)
    pair.world.run(AUDIT_GRACE_SECONDS + 1)
    assert outcomes(pair.asker.node.audits) == Counter(unsettled=1)
    assert pair.evidence is None


# --- Bounds ----------------------------------------------------------------------------------


def test_so_many_audits_run_at_a_time_and_so_many_peers_are_remembered():
    pair = Pair(entries=1)
    node, now = pair.asker.node, pair.world.now
    audits = Audits(node, node.store)
    began = 0
    for i in range(1, PROMISERS_MAX + 50):
        contact = Contact(i.to_bytes(32), bytes(8), ("10.9.9.9", i), i)
        node.promises.note(contact.id, pair.entries[0].id)
        began += audits.challenge(contact, now)
        assert len(audits) <= AUDITS_MAX
        if i > AUDITS_MAX:
            audits._under_way.clear()
    assert began > PROMISERS_MAX
    assert len(audits._last) == PROMISERS_MAX


def test_a_large_store_is_looked_through_in_part_only():
    pair = Pair(entries=1)
    looked = []

    class Large:
        def held_in_shard(self, n):
            looked.append(n)
            return [(bytes((n,)) * 32, b"")] * (AUDIT_LOOKED_MAX // 8)

        def get(self, entry_id, now_ms):
            raise AssertionError("none of these was promised")

    audits = Audits(pair.asker.node, Large())
    assert not audits.challenge(pair.contact, pair.world.now)
    assert len(looked) == 8
    assert looked == [(looked[0] + i) % 256 for i in range(8)]


def test_a_proof_that_nobody_waits_for_is_dropped():
    pair = Pair(entries=3)
    delay(pair, 300)
    pair.audit()
    pair.world.run(1)
    assert pair.asker.dropped(Drop.NO_REQUEST) == AUDIT_SILENCES_MAX
