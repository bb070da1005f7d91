"""Lists of entity tags, as RFC 9110 section 13 means them."""

import pytest
from aiohttp.test_utils import make_mocked_request

from dave.edge.http.conditions import guard_time, is_fresh, matches, tag_of
from dave.edge.http.problems import Problem
from dave.node.results import Found, GetResult
from dave.wire.entry import Entry, encode

DIGEST = bytes(range(32))
TAG = tag_of(DIGEST)


def test_two_forms_of_one_version_have_two_tags():
    assert f'"{DIGEST.hex()}"' == TAG
    assert tag_of(DIGEST, is_entry=True) == f'"{DIGEST.hex()}.entry"'


@pytest.mark.parametrize(
    ("header", "strongly", "weakly"),
    [
        (TAG, True, True),
        (f"W/{TAG}", False, True),
        (f'"a", {TAG}', True, True),
        (f'"a,b" ,{TAG}', True, True),
        ("*", True, True),
        ('"*"', False, False),
        ('"a"', False, False),
        ('""', False, False),
    ],
)
def test_what_a_list_names(header, strongly, weakly):
    assert matches(header, TAG, weakly=False) is strongly
    assert matches(header, TAG, weakly=True) is weakly


def asked(**headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("GET", "/", headers=names)


def test_if_match_comes_before_if_none_match():
    assert is_fresh(asked(If_Match=TAG, If_None_Match=TAG), TAG)
    with pytest.raises(Problem) as caught:
        is_fresh(asked(If_Match='"x"', If_None_Match=TAG), TAG)
    assert caught.value.status == 412
    assert not is_fresh(asked(), TAG)


@pytest.mark.parametrize(
    "header",
    ["a", "", " ", '"a', 'a"', "*, *", '"a" "b"', 'w/"a"', ', "a"', '"ä"', '" "', '"a",,"b"'],
)
def test_what_is_no_list(header):
    for name in ("If_Match", "If_None_Match"):
        with pytest.raises(Problem) as caught:
            is_fresh(asked(**{name: header}), TAG)
        assert caught.value.status == 412
        with pytest.raises(Problem) as caught:
            guard_time(asked(**{name: header}), standing(None, Found.ABSENT), b"")
        assert caught.value.status == 412


def standing(entry=None, found=Found.FOUND):
    result = GetResult()
    result.entry, result.found = entry, found
    return result


def test_what_a_write_expects():
    entry = Entry(encode(bytes(32), b"k", b"v", 77, 60))
    there, gone = standing(entry), standing(None, Found.ABSENT)
    assert guard_time(asked(), there, DIGEST) is None
    assert guard_time(asked(), gone, b"") is None
    assert guard_time(asked(If_Match=TAG), there, DIGEST) == 77
    assert guard_time(asked(If_Match=tag_of(DIGEST, is_entry=True)), there, DIGEST) == 77
    assert guard_time(asked(If_None_Match='"x"'), there, DIGEST) == 77
    assert guard_time(asked(If_None_Match="*"), gone, b"") == 0
    for headers, result in (
        ({"If_Match": '"x"'}, there),
        ({"If_Match": f"W/{TAG}"}, there),
        ({"If_None_Match": "*"}, there),
        ({"If_None_Match": f"W/{TAG}"}, there),
        ({"If_Match": "*"}, gone),
        ({"If_Match": TAG, "If_None_Match": "*"}, there),
    ):
        with pytest.raises(Problem) as caught:
            guard_time(asked(**headers), result, DIGEST)
        assert caught.value.status == 412, headers
