"""Floors bar what an expired version would uncover, no longer and no more than needed."""

from dave.limits import TTL_SECONDS_MAX
from dave.store.floors import Floors, floor_expires_ms

DAY = 86_400_000
NOW = 1_700_000_000_000
A, B, C = (bytes([n]) * 32 for n in b"abc")


def test_bars_at_and_below_its_time_only_its_own_id():
    floors = Floors()
    floors.note(A, NOW << 16, NOW)
    assert floors.bars(A, NOW << 16)
    assert floors.bars(A, (NOW << 16) - 1)
    assert not floors.bars(A, (NOW << 16) + 1)
    assert not floors.bars(B, NOW << 16)


def test_an_older_note_does_not_lower_a_floor():
    floors = Floors()
    floors.note(A, NOW << 16, NOW)
    floors.note(A, (NOW - 5) << 16, NOW)
    assert floors.bars(A, NOW << 16)
    assert len(floors) == 1


def test_is_not_kept_once_nothing_older_can_live():
    floors = Floors()
    last = (NOW << 16, NOW + TTL_SECONDS_MAX * 1000)
    assert floor_expires_ms(last[0]) == last[1]
    floors.note(A, last[0], last[1])
    assert len(floors) == 0
    floors.note(A, last[0], last[1] - 1)
    assert [f.entry_id for f in floors.live(last[1] - 1)] == [A]
    assert list(floors.live(last[1])) == []


def test_bounded_and_the_oldest_goes_first():
    floors = Floors(2)
    for entry_id in (A, B, A, C):
        floors.note(entry_id, NOW << 16, NOW)
    assert [f.entry_id for f in floors.live(NOW)] == [A, C]
    assert next(floors.live(NOW)) == (A, NOW << 16, floor_expires_ms(NOW << 16))
