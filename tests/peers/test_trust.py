"""What evidence is worth: the design's figures, and how they fade."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.limits import TRUST_PEERS_MAX
from dave.names import SECOND
from dave.peers.trust import Evidence, Trust, wilson

NOW = 1_000 * SECOND
DAY = 86_400 * SECOND


def after(events, trust=None, peer=1, now=NOW):
    """A trust that noted `events` of a peer: k for kept, b for broken."""
    trust = Trust() if trust is None else trust
    for event in events:
        (trust.kept if event == "k" else trust.broke)(peer, now)
    return trust


@pytest.mark.parametrize(
    ("kept", "broken", "score"), [(10, 0, 0.72), (100, 0, 0.96), (95, 5, 0.89), (0, 9, 0.0)]
)
def test_the_score_is_the_lower_bound_that_the_design_names(kept, broken, score):
    assert wilson(kept, broken) == pytest.approx(score, abs=0.005)


def test_without_evidence_the_score_is_0():
    assert Trust().score(1, NOW) == 0.0
    assert wilson(0, 0) == 0.0


def test_nobody_banks_immunity():
    veteran = after("k" * 5000)
    assert veteran.score(1, NOW) == pytest.approx(wilson(100, 0), abs=0.001)
    after("b" * 20, veteran)
    assert veteran.score(1, NOW) < 0.75
    after("b" * 300, veteran)
    assert veteran.score(1, NOW) < 0.02


def test_each_event_fades_those_before_by_a_hundredth():
    evidence = after("kkb").evidence(1)
    assert evidence.kept == pytest.approx(0.99 + 0.99**2)
    assert evidence.broken == 1


def test_idle_evidence_halves_in_seven_days():
    trust = after("k" * 40)
    full = trust.evidence(1).kept
    assert trust.score(1, NOW + 7 * DAY) == pytest.approx(wilson(full / 2, 0))
    assert trust.score(1, NOW + 70 * DAY) < 0.02
    trust.kept(1, NOW + 14 * DAY)
    assert trust.evidence(1).kept == pytest.approx(full / 4 * 0.99 + 1)


def test_a_clock_behind_the_last_event_fades_nothing():
    trust = after("kk")
    assert trust.score(1, NOW - DAY) == trust.score(1, NOW)


def test_since_and_at_tell_of_the_first_and_the_last_event():
    trust = after("k")
    trust.broke(1, NOW + DAY)
    assert trust.evidence(1)[2:] == (NOW, NOW + DAY)


def test_an_acknowledgement_weighs_1_to_who_has_no_history_at_all():
    assert Trust().weight(1, NOW) == Trust().weight(None, NOW) == 1.0


def test_an_acknowledgement_weighs_from_a_half_to_1():
    trust = after("k" * 100)
    assert trust.weight(1, NOW) == 1.0
    assert trust.weight(2, NOW) == trust.weight(None, NOW) == 0.5
    after("k" * 10, trust, peer=3)
    assert 0.85 < trust.weight(3, NOW) < 0.95
    after("b" * 10, trust, peer=4)
    assert trust.weight(4, NOW) == 0.5


@given(st.text("kb", max_size=200), st.integers(0, 40))
def test_scores_and_weights_stay_in_their_ranges(events, days):
    trust, now = after(events), NOW + days * DAY
    assert 0.0 <= trust.score(1, now) < 1.0
    assert 0.5 <= trust.weight(1, now) <= 1.0


@given(st.floats(0, 200), st.floats(0, 200))
def test_a_kept_promise_never_lowers_the_bound_and_a_broken_one_never_lifts_it(kept, broken):
    assert wilson(kept + 1, broken) >= wilson(kept, broken) - 1e-9
    assert wilson(kept, broken + 1) <= wilson(kept, broken) + 1e-9


def test_peers_are_judged_apart():
    trust = after("kk")
    after("b", trust, peer=2)
    assert (trust.evidence(1).broken, trust.evidence(2).kept) == (0, 0)
    assert len(trust) == 2
    assert trust.evidence(3) is None


def test_who_was_noted_longest_ago_makes_room():
    trust = Trust()
    for peer in range(TRUST_PEERS_MAX):
        trust.kept(peer, NOW)
    trust.broke(0, NOW)
    trust.kept(TRUST_PEERS_MAX, NOW)
    assert len(trust) == TRUST_PEERS_MAX
    assert trust.evidence(1) is None
    assert trust.evidence(0) is not None


def test_what_was_kept_elsewhere_is_restored():
    trust = after("kkb")
    other = Trust()
    for peer, evidence in trust.all().items():
        other.restore(peer, Evidence(*evidence))
    assert other.all() == trust.all()
    for peer in range(2 * TRUST_PEERS_MAX):
        other.restore(peer, trust.evidence(1))
    assert len(other) == TRUST_PEERS_MAX
