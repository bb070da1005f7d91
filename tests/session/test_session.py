"""A session starts closed, and its owner may replace what it drains."""

from dave.session.session import NEVER, Outgoing, Session

ADDRESS = ("192.0.2.1", 1424)


def test_the_initiators_side_and_the_responders() -> None:
    mine = Session(ADDRESS, (1, 2), bytes(32), (5, bytes(8)), True, 9)
    theirs = Session(ADDRESS, (2, 1), bytes(32), (None, bytes(8)), False, 9)
    assert (mine.is_provisional, mine.wants_accept) == (False, False)
    assert (theirs.is_provisional, theirs.wants_accept) == (True, True)
    for session in (mine, theirs):
        assert not session.is_open
        assert (session.established, session.last_received, session.rekey_at) == (9, 9, NEVER)
    assert (mine.index, mine.remote_index, mine.node_id) == (1, 2, 5)


def test_keys_go_where_they_belong() -> None:
    session = Session(ADDRESS, (1, 2), bytes(32), (None, bytes(8)), True, 0)
    session.take_keys((b"s", b"r", b"h"))
    assert (session.send_key, session.receive_key, session.handshake_hash) == (b"s", b"r", b"h")


def test_lists_are_apart() -> None:
    assert Outgoing().outbox is not Outgoing().outbox
