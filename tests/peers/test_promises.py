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
