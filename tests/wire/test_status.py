"""The statuses of PUT_ACK are part of the protocol: their numbers never change."""

from dave.wire.status import STORED_STATUSES, PutStatus


def test_numbers():
    assert [status.name for status in PutStatus] == [
        "STORED",
        "SAME",
        "STALE",
        "CONFLICT",
        "LOW_WORK",
        "LOW_RANK",
        "OVER_SHARE",
        "FORGED",
        "FUTURE",
        "EXPIRED",
        "TOO_LARGE",
        "READ_ONLY",
        "BUSY",
    ]
    assert list(PutStatus) == list(range(13))


def test_only_two_mean_that_a_node_holds_the_entry():
    assert STORED_STATUSES == (PutStatus.STORED, PutStatus.SAME)
