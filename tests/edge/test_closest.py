"""Which word was meant."""

from dave.edge.closest import closest


def test_the_most_alike_or_none():
    known = {"timeout": 1, "ttl": 2, "time": 3}
    assert closest("tiemout", known) == "timeout"
    assert closest("quorum", known) is None
    assert closest("tiemout", known, 0.99) is None
    assert closest("x", []) is None
