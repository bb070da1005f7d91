"""The reasons for which nobody could be reached, as the one error that a person can act on."""

import pytest

from dave.edge.failures import network_error, too_few_answered
from dave.errors import OtherNetwork, Unreachable
from dave.session.session import FailReason


@pytest.mark.parametrize(
    ("reasons", "error", "words"),
    [
        ([], Unreachable, "start one with `dave run`"),
        ([FailReason.NO_ANSWER], Unreachable, "--edge HOST:PORT"),
        ([FailReason.FULL], Unreachable, "no answer"),
        ([FailReason.NO_ANSWER, FailReason.OTHER_NETWORK], OtherNetwork, "--secret-file"),
        ([FailReason.OTHER_KEY], OtherNetwork, "another node key than the one pinned"),
        ([FailReason.OTHER_KEY, FailReason.OTHER_NETWORK], OtherNetwork, "check --network"),
        ([FailReason.NODE_WORK, FailReason.NO_ANSWER], OtherNetwork, "not backed by enough work"),
    ],
)
def test_the_most_telling_reason_wins(reasons, error, words):
    made = network_error(reasons, "192.0.2.1:1424")
    assert type(made) is error
    assert words in str(made)
    assert "192.0.2.1:1424" in str(made)
    assert made.exit_code == 3


@pytest.mark.parametrize("reason", FailReason)
def test_every_reason_makes_an_error(reason):
    assert network_error([reason], "192.0.2.1:1424").exit_code == 3


def test_too_few_answers_are_not_called_absence():
    error = too_few_answered(1, 2)
    assert error.exit_code == 3
    assert "1 of the 2 nodes asked answered" in str(error)
