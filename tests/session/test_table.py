"""Limits of the table, and who makes room for whom."""

from random import Random

from dave.limits import SESSION_PROVISIONAL_MAX, SESSIONS_MAX
from dave.names import SECOND
from dave.session.session import NEVER, Session
from dave.session.table import SessionTable


def add(table: SessionTable, port: int, is_initiator: bool = True, now: int = 0) -> Session:
    indexes = table.draw_index(), 1
    session = Session(("192.0.2.1", port), indexes, bytes(32), (None, bytes(8)), is_initiator, now)
    if is_initiator:
        table.establish(session, now)
    else:
        table.add_provisional(session)
    return session


def test_provisional_sessions_make_room_among_themselves_only() -> None:
    table = SessionTable(Random(1))
    good = add(table, 1)
    first = add(table, 1, is_initiator=False)
    for _ in range(SESSION_PROVISIONAL_MAX):
        add(table, 1, is_initiator=False)
    assert len(table.provisional) == SESSION_PROVISIONAL_MAX
    assert first.index not in table.by_index
    assert not first.wants_accept
    assert table.by_address[good.address] is good
    assert len(table.by_index) == SESSION_PROVISIONAL_MAX + 1


def test_provisional_sessions_live_10_seconds() -> None:
    table = SessionTable(Random(1))
    add(table, 1, is_initiator=False, now=5 * SECOND)
    assert table.get_timer() == 15 * SECOND
    table.sweep(15 * SECOND - 1)
    assert len(table.provisional) == 1
    table.sweep(15 * SECOND)
    assert len(table.by_index) == 0
    assert table.get_timer() == NEVER


def test_the_longest_silent_session_goes_first() -> None:
    table = SessionTable(Random(1))
    sessions = [add(table, port, now=port) for port in range(SESSIONS_MAX)]
    sessions[0].last_received = SESSIONS_MAX
    add(table, SESSIONS_MAX, now=SESSIONS_MAX)
    assert len(table.by_index) == len(table.by_address) == SESSIONS_MAX
    assert sessions[0].is_open
    assert not sessions[1].is_open


def test_overlap_and_idle_ends() -> None:
    table = SessionTable(Random(1))
    old = add(table, 1)
    new = add(table, 1, now=10 * SECOND)
    assert (old.is_current, new.is_current, old.is_open) == (False, True, True)
    assert (old.rekey_at, new.rekey_at) == (NEVER, 610 * SECOND)
    assert table.get_timer() == 70 * SECOND
    table.sweep(70 * SECOND)
    assert (old.is_open, new.is_open) == (False, True)
    table.sweep(190 * SECOND - 1)
    assert new.is_open
    table.sweep(190 * SECOND)
    assert len(table.by_index) == len(table.by_address) == 0


def test_the_session_before_comes_back() -> None:
    table = SessionTable(Random(1))
    old = add(table, 1)
    new = add(table, 1, now=10 * SECOND)
    table.close(new)
    assert table.by_address[old.address] is old
    assert (old.is_current, old.ends) == (True, NEVER)
    table.forget(old.address)
    assert not table.by_index


def test_indexes_in_use_are_not_drawn() -> None:
    table = SessionTable(Random(1))
    rng = Random(1)
    first, second, third = (rng.getrandbits(32) for _ in range(3))
    table.reserved.add(first)
    table.by_index[second] = add(SessionTable(Random(2)), 1)
    assert table.draw_index() == third
