"""What is said to an offer, and what is only said here."""

from dave.wire.share_status import KEPT_STATUSES, SHARE_STATUS_MAX, ShareStatus
from dave.wire.shares import ShareOutcome


def test_what_travels_comes_first():
    travels = [status for status in ShareStatus if status <= SHARE_STATUS_MAX]
    assert [int(status) for status in travels] == list(range(len(travels)))
    assert [s.name for s in ShareStatus if s not in travels] == ["NO_ANSWER", "TIMED_OUT"]


def test_only_two_mean_that_it_is_kept():
    kept = [status for status in ShareStatus if ShareOutcome(status).is_stored]
    assert kept == [ShareStatus.HELD, ShareStatus.STORED] == [*KEPT_STATUSES]
