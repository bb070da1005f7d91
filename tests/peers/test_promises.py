"""Promises against a plain model, and within their bound."""

from hypothesis import given
from hypothesis import strategies as st

from dave.limits import PROMISERS_MAX
from dave.peers.promises import Promises

A, B, C = (letter * 32 for letter in (b"a", b"b", b"c"))
peers, entry_ids = st.integers(0, 5), st.sampled_from((A, B, C))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("note"), peers, entry_ids),
        st.tuples(st.just("withdraw"), peers, entry_ids),
        st.tuples(st.just("forget_entry"), entry_ids),
        st.tuples(st.just("forget_peer"), peers),
    ),
    max_size=40,
)


@given(steps)
def test_as_a_list_of_pairs(steps):
    promises, pairs = Promises(), []
    for name, *args in steps:
        getattr(promises, name)(*args)
        match name:
            case "note" if tuple(args) not in pairs:
                pairs.append(tuple(args))
            case "withdraw":
                pairs = [pair for pair in pairs if pair != tuple(args)]
            case "forget_entry":
                pairs = [pair for pair in pairs if pair[1] != args[0]]
            case "forget_peer":
                pairs = [pair for pair in pairs if pair[0] != args[0]]
        for entry_id in (A, B, C):
            promisers = [peer for peer, promised in pairs if promised == entry_id]
            assert promises.promisers(entry_id) == promisers
            assert [peer for peer in range(6) if promises.has(peer, entry_id)] == sorted(promisers)
        for peer in range(6):
            promised = [entry_id for entry_id in (C, A, B) if (peer, entry_id) in pairs]
            assert promises.promised_by(peer, (C, A, B)) == promised


def test_who_has_promised_stays_one_until_forgotten():
    promises = Promises()
    assert not promises.is_promiser(1)
    promises.note(1, A)
    promises.withdraw(1, A)
    assert (promises.is_promiser(1), len(promises)) == (True, 0)
    promises.forget_peer(1)
    promises.forget_peer(1)
    assert not promises.is_promiser(1)


def test_of_too_many_peers_the_one_that_promised_longest_ago_is_forgotten():
    promises = Promises()
    for peer in range(PROMISERS_MAX):
        promises.note(peer, A)
    promises.note(0, B)
    promises.note(PROMISERS_MAX, B)
    assert promises.promisers(B) == [0, PROMISERS_MAX]
    assert promises.has(0, A)
    assert not promises.is_promiser(1)
    assert promises.promised_by(1, (A, B)) == []


def test_what_forgotten_peers_promised_does_not_pile_up():
    promises = Promises()
    for peer in range(3 * PROMISERS_MAX):
        promises.note(peer, A)
    assert promises.promisers(A) == list(range(2 * PROMISERS_MAX, 3 * PROMISERS_MAX))
    [numbers] = promises._by_entry.values()
    assert len(numbers) == PROMISERS_MAX


# --- Beyond the process ----------------------------------------------------------------------


def restored(*pairs):
    promises = Promises()
    for entry_id, peers in pairs:
        promises.restore(entry_id, peers)
    return promises


@given(steps)
def test_what_is_taken_as_changed_is_all_that_another_process_needs(steps):
    promises, rows = Promises(), {}
    promises.is_saved = True
    for i, (name, *args) in enumerate(steps):
        getattr(promises, name)(*args)
        if i % 3 == 0:
            rows |= promises.take_changed(2)
    while changed := promises.take_changed(2):
        assert len(changed) <= 2
        rows |= changed
    known = promises.peers()
    again = restored(*((e, [p for p in peers if p in known]) for e, peers in rows.items()))
    for entry_id in (A, B, C):
        assert set(again.promisers(entry_id)) >= set(promises.promisers(entry_id))
        for peer in promises.promisers(entry_id):
            assert again.has(peer, entry_id)
            assert again.is_recalled(peer, entry_id)
            assert again.promised_by(peer, (entry_id,)) == [entry_id]


def test_a_recalled_promise_that_is_made_anew_is_a_promise_to_this_process():
    promises = restored((A, [1, 2]), (B, [1]))
    assert promises.is_promiser(1)
    promises.note(1, A)
    assert promises.promisers(A) == [2, 1]
    assert [promises.is_recalled(1, each) for each in (A, B)] == [False, True]
    assert promises.promised_by(1, (A, B, C)) == [A, B]
    promises.withdraw(1, B)
    promises.withdraw(2, A)
    assert promises.promisers(A) == [1]
    assert (promises.has(1, B), promises.has(2, A), len(promises)) == (False, False, 1)


def test_recalled_promises_are_forgotten_with_their_peer():
    promises = restored((A, [1]), (B, [1, 2]))
    promises.note(1, A)
    promises.forget_peer(1)
    assert not promises.is_promiser(1)
    assert (promises.promisers(A), promises.promisers(B), promises.peers()) == ([], [2], [2])


def test_bounds_of_what_is_recalled_and_of_what_is_to_be_saved(monkeypatch):
    promises = restored(*((A, [peer]) for peer in range(PROMISERS_MAX + 5)))
    assert len(promises.peers()) == PROMISERS_MAX
    monkeypatch.setattr("dave.peers.promises.PROMISES_CHANGED_MAX", 2)
    promises.note(2, A)
    assert promises.take_changed(9) == [], "nobody saves them"
    promises.is_saved = True
    for entry_id in (A, B, C):
        promises.note(1, entry_id)
    assert [entry_id for entry_id, _ in promises.take_changed(9)] == [B, C]
    assert promises.take_changed(9) == []
