"""The declared audits of shares against wire/share_audit.py: the same verdict, the same fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.wire import layout_audit, share_audit
from tests.wire import agreeing
from tests.wire.made import damaged, neighbours
from tests.wire.test_share_audit import MESSAGES

LAYOUTS = {
    share_audit.AuditRequest: layout_audit.AUDIT_REQUEST,
    share_audit.HeldMasks: layout_audit.HELD_MASKS,
    share_audit.LeafShown: layout_audit.LEAF_SHOWN,
}


def agree(kind, data):
    return agreeing.agree(LAYOUTS[kind], kind.read, kind.encode, data)


@pytest.mark.parametrize("message", MESSAGES)
def test_they_agree_on_what_is_right(message):
    assert agree(type(message), message.encode())


@pytest.mark.parametrize("message", [each for each in MESSAGES if len(each.encode()) < 200])
def test_they_agree_on_all_that_is_near_to_it(message):
    for changed in neighbours(message.encode()):
        agree(type(message), changed)


@pytest.mark.parametrize("message", MESSAGES)
@given(data=st.data())
def test_they_agree_on_damage(message, data):
    agree(type(message), data.draw(damaged(st.just(message.encode()))))
