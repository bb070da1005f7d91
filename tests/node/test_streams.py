"""The two ends of a stream."""

from dave.node.streams import StreamEnd


def test_the_ends_that_travel_keep_their_numbers():
    assert [StreamEnd.DONE, StreamEnd.REFUSED, StreamEnd.BUSY, StreamEnd.BROKEN] == [0, 1, 2, 3]
