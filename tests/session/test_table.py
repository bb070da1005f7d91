"""Limits of the table, and who makes room for whom."""

from random import Random

from dave.limits import SESSION_IDLE_SECONDS, SESSION_PROVISIONAL_MAX, SESSIONS_MAX
from dave.names import MS, SECOND
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


def test_5000_handshakes_from_one_address_leave_the_others_in_place() -> None:
    table = SessionTable(Random(1))
    honest = [add(table, port) for port in range(2, 100)]
    greedy = [add(table, 1, now=n * 6 * MS) for n in range(5000)]
    assert all(s.is_open and s.is_current for s in honest)
    assert [s.is_open for s in greedy] == [False] * 4998 + [True] * 2
    assert len(table.by_index) == len(honest) + 2


def test_superseded_sessions_make_room_before_current_ones() -> None:
    table = SessionTable(Random(1))
    sessions = [add(table, port, now=port) for port in range(SESSIONS_MAX - 1)]
    news = [add(table, SESSIONS_MAX - 2, now=SESSIONS_MAX)]
    assert len(table.by_index) == SESSIONS_MAX
    news += [add(table, SESSIONS_MAX - 1, now=SESSIONS_MAX)]
    assert [s.is_open for s in sessions] == [True] * (SESSIONS_MAX - 2) + [False]
    news += [add(table, SESSIONS_MAX, now=SESSIONS_MAX)]
    assert not sessions[0].is_open
    assert all(s.is_open for s in news)
    assert len(table.by_index) == SESSIONS_MAX


def test_two_sessions_of_an_address_change_places_without_loss() -> None:
    table = SessionTable(Random(1))
    one, two = add(table, 1), add(table, 1)
    for now in range(1, 10):
        table.make_current((two, one)[now & 1], now)
        assert one.is_open
        assert two.is_open
    third = add(table, 1, now=10)
    assert (one.is_open, two.is_open, third.is_current) == (True, False, True)
    table.close(third)
    assert table.by_address[one.address] is one
    assert one.previous is None


def test_overlap_and_idle_ends() -> None:
    table = SessionTable(Random(1))
    old = add(table, 1)
    new = add(table, 1, now=10 * SECOND)
    assert (old.is_current, new.is_current, old.is_open) == (False, True, True)
    assert (old.rekey_at, new.rekey_at) == (NEVER, 610 * SECOND)
    assert table.get_timer() == 70 * SECOND
    table.sweep(70 * SECOND)
    assert (old.is_open, new.is_open) == (False, True)
    idle = (10 + SESSION_IDLE_SECONDS) * SECOND
    table.sweep(idle - 1)
    assert new.is_open
    table.sweep(idle)
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
