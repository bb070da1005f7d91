"""Verdicts keep their bytes: two implementations must agree on them."""

from dave.wire.share_status import KEPT_STATUSES, SHARE_STATUS_MAX, ShareStatus


def test_the_bytes_of_verdicts():
    names = "WANTED HELD STORED LOW_WORK LOW_RANK FULL EXPIRED FUTURE RELEASED BUSY BAD READ_ONLY"
    assert [status.name for status in ShareStatus if status <= SHARE_STATUS_MAX] == names.split()
    assert list(range(SHARE_STATUS_MAX + 1)) == [s for s in ShareStatus if s <= SHARE_STATUS_MAX]


def test_only_two_of_them_are_a_promise():
    assert KEPT_STATUSES == (ShareStatus.HELD, ShareStatus.STORED)
