"""How a put and a get stand: counts, quorum, and what counts as genuine."""

import pytest

from dave.crypto.network import network
from dave.limits import REPLICAS
from dave.node.results import Found, GetResult, Outcome, PutResult, is_genuine
from dave.session.session import FailReason
from dave.wire.messages import PutAck
from dave.wire.status import PutStatus
from tests.node.helpers import FREE, Stage


def outcome(number, status=None):
    ack = None if status is None else PutAck(status)
    failure = FailReason.NO_ANSWER if ack is None else None
    return Outcome(("10.0.0.1", number), number, ack, failure, 0)


def test_only_stored_and_same_count():
    result = PutResult()
    result.outcomes = [outcome(i, status) for i, status in enumerate(PutStatus)] + [outcome(99)]
    assert result.stored == 2


@pytest.mark.parametrize(
    ("known", "quorum"), [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (8, 5), (100, 5)]
)
def test_the_quorum_is_more_than_half_of_those_that_should_hold_it(known, quorum):
    result = PutResult()
    result.known = known
    assert result.quorum == quorum > min(REPLICAS, known) / 2
    result.outcomes = [outcome(i, PutStatus.STORED) for i in range(quorum - 1)]
    assert not result.has_quorum
    result.outcomes.append(outcome(quorum, PutStatus.SAME))
    assert result.has_quorum


def test_nothing_is_known_of_a_get_at_first():
    result = GetResult()
    assert (result.found, result.entry, result.replicas) == (Found.UNREACHABLE, None, 0)


def test_genuine_is_what_its_owner_signed_for_this_network():
    entry = Stage().entry()
    assert is_genuine(entry, FREE)
    assert not is_genuine(entry, network("another"))
    assert not is_genuine(entry.with_proofs(bytes(64), entry.nonce), FREE)
