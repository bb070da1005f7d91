"""Which code, and that any k of n shares suffice."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.errors import UsageError
from dave.files.code import Code, bears_a_loss, default_code, parity, parse_code, recover
from tests.files.made import content, cut


@pytest.mark.parametrize(
    ("nodes", "code"),
    [
        (0, "1/1"),
        (1, "1/1"),
        (2, "1/2"),
        (3, "2/3"),
        (5, "2/3"),
        (6, "4/6"),
        (13, "4/6"),
        (14, "10/14"),
        (9999, "10/14"),
    ],
)
def test_the_code_grows_with_the_network(nodes, code):
    assert str(default_code(nodes)) == code
    assert parse_code(code) == default_code(nodes)
    assert default_code(nodes).n <= max(1, nodes)


@pytest.mark.parametrize("text", ["1/1", "1/24", "24/24", "03/6"])
def test_codes_that_can_be_asked_for(text):
    k, n = map(int, text.split("/"))
    assert parse_code(text) == Code(k, n)


@pytest.mark.parametrize(
    "text",
    ["", "4", "4/", "/6", "4/6/8", "a/b", "6/4", "0/4", "4/25", "-1/4", "+1/4", "²/4", "1 /4"],
)
def test_codes_that_cannot(text):
    with pytest.raises(UsageError, match="code"):
        parse_code(text)


def whole(k, n, size=32):
    data = cut(content(k * size), size)
    return data, dict(enumerate([*data, *parity(data, n - k)]))


@pytest.mark.parametrize(("k", "n"), [(1, 1), (1, 3), (2, 3), (4, 6), (3, 7), (4, 4)])
def test_every_choice_of_k_shares_suffices(k, n):
    data, shares = whole(k, n)
    for chosen in combinations(range(n), k):
        assert recover(k, n, {number: shares[number] for number in chosen}) == data


@given(st.integers(1, 24).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))), st.data())
def test_any_k_of_n_suffice(code, drawn):
    k, n = code
    data, shares = whole(k, n)
    chosen = drawn.draw(st.permutations(range(n)))[: drawn.draw(st.integers(k, n))]
    assert recover(k, n, {number: shares[number] for number in chosen}) == data


def test_one_block_is_copied():
    assert parity([b"block"], 3) == [b"block"] * 3
    assert recover(1, 4, {3: b"block"}) == [b"block"]


def test_too_few_shares_are_a_mistake_of_the_caller():
    with pytest.raises(AssertionError, match="3 shares of the 4"):
        recover(4, 6, {0: b"a", 1: b"b", 5: b"c"})


@pytest.mark.parametrize(
    ("code", "nodes", "bears"),
    [((4, 6), 6, True), ((4, 6), 5, True), ((4, 6), 3, True), ((4, 6), 2, False),
     ((1, 1), 9, False), ((1, 2), 2, True), ((10, 14), 4, True), ((10, 14), 3, False)],
)  # fmt: skip
def test_a_code_bears_the_loss_of_a_node(code, nodes, bears):
    assert bears_a_loss(Code(*code), nodes) is bears
