"""What a check says for itself."""

import pytest

from dave.edge.check import Check, CheckedNode
from dave.node.check import Verdict


def a_check(*verdicts):
    return Check("dave://o/k", [CheckedNode("10.0.0.1:1", "0" * 16, v, 1.0) for v in verdicts], 0.1)


def test_it_counts():
    check = a_check(*Verdict)
    assert (check.asked, check.stored, check.proved) == (len(Verdict), 2, 1)


@pytest.mark.parametrize(
    ("proved", "silent", "is_safe"), [(1, 0, True), (1, 1, False), (2, 1, True), (0, 0, False)]
)
def test_more_than_half_must_prove_it(proved, silent, is_safe):
    assert a_check(*[Verdict.PROVED] * proved, *[Verdict.SILENT] * silent).is_safe is is_safe
