"""The declared streams of shares against wire/shares.py: the same verdict, the same bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.wire import layout_shares as layouts
from tests.wire import agreeing
from tests.wire.test_shares import CODECS

LAYOUTS = {
    "fetch": layouts.FETCH_REQUEST,
    "sizes": layouts.FETCH_SIZES,
    "stripes": layouts.STRIPES_REQUEST,
    "offer": layouts.OFFER_REQUEST,
    "take": layouts.TAKE_REQUEST,
    "release": layouts.RELEASE_REQUEST,
    "verdicts": layouts.OFFER_VERDICTS,
    "offers": layouts.TAKE_OFFERS,
    "share": layouts.TAKE_SHARE,
    "held": layouts.STRIPES_HELD,
    "count": layouts.RELEASE_COUNT,
}
COUNTED = {"sizes": lambda it: len(it.sizes) == 2, "held": lambda it: len(it.stripes) == 3}
"""Where the reader knows from the request how many there are."""


def agree(name, data):
    encode, read, _ = CODECS[name]
    return agreeing.agree(LAYOUTS[name], read, encode, data, COUNTED.get(name, lambda _: True))


CASES = [(name, value) for name, (_, _, values) in CODECS.items() for value in values]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]


def test_all_are_declared():
    assert {*LAYOUTS} == {*CODECS}
    assert {*layouts.SHARES.values()} == {*LAYOUTS.values()}


@pytest.mark.parametrize(("name", "value"), CASES, ids=IDS)
def test_they_agree_on_what_is_right_on_prefixes_and_trailing_bytes(name, value):
    data = CODECS[name][0](value)
    for size in range(0, len(data), max(1, len(data) // 60)):
        agree(name, data[:size])
    assert agree(name, data)
    agree(name, data + b"\0")


@pytest.mark.parametrize(("name", "value"), CASES, ids=IDS)
@given(data=st.data())
def test_they_agree_on_changed_bytes(name, value, data):
    raw = bytearray(CODECS[name][0](value))
    at = data.draw(st.integers(0, min(len(raw), 80) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    agree(name, bytes(raw))
