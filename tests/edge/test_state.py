"""Saving: only what changed is written, in one transaction; a failure loses nothing for good."""

import sqlite3

import pytest

from dave.edge.state import State
from tests.edge.databases import contact_row, renewal_row


@pytest.fixture
def state(tmp_path):
    made = State(tmp_path / "state.db")
    yield made
    made.close()


def saved(state, name, rows):
    return state.save(lambda: {name: rows}).result()


def reopened(state):
    state.close()
    return State(state._database.path)


def changes(state):
    return state._database.connection.total_changes


def test_only_what_changed_is_written(state):
    rows = [contact_row(n) for n in range(10)]
    assert saved(state, "contacts", rows)
    before = changes(state)
    assert saved(state, "contacts", rows[::-1])
    assert changes(state) == before
    moved = (*rows[3][:3], "::1", *rows[3][4:])
    assert saved(state, "contacts", [*rows[:3], moved, *rows[4:9]])
    assert changes(state) == before + 2
    again = reopened(state)
    assert sorted(again.load("contacts")) == sorted([*rows[:3], moved, *rows[4:9]])
    before = changes(again)
    assert saved(again, "contacts", [*rows[:3], moved, *rows[4:9]])
    assert changes(again) == before, "what was loaded is known to be there"
    again.close()


def test_single_rows(state):
    one, two = ((bytes([n]) * 32, bytes(8), bytes(16)) for n in (1, 2))
    assert state.save(rows={"promises": [one, two]}).result()
    assert state.save(gone={"promises": [one[:1]]}).result()
    again = reopened(state)
    assert again.load("promises") == [two]
    again.close()


def test_keys_of_several_columns(state):
    clocks = [(bytes([n]) * 32, bytes([m]) * 16, bytes(8)) for n in range(3) for m in range(3)]
    assert saved(state, "clocks", clocks)
    assert saved(state, "clocks", clocks[1:])
    again = reopened(state)
    assert sorted(again.load("clocks")) == clocks[1:]
    again.close()


def test_a_save_that_fails_is_whole_or_nothing_and_tried_again(state, caplog):
    rows = [contact_row(n) for n in range(5)]
    assert saved(state, "contacts", rows[:1])
    bad = (b"short", *rows[4][1:])
    assert not saved(state, "contacts", [*rows[:4], bad])
    assert "CHECK" in state.failure
    assert not saved(state, "contacts", [*rows[:4], bad])
    assert len(caplog.records) == 1, "told once"
    assert saved(state, "contacts", rows)
    assert state.failure is None
    again = reopened(state)
    assert sorted(again.load("contacts")) == rows
    again.close()


def test_a_number_too_large_is_a_failure_and_no_damage(state):
    assert not saved(state, "contacts", [(*contact_row(1)[:6], 1 << 70)])
    assert state.failure
    assert state.notes == []


def test_what_cannot_be_gathered_fails_alone(state, caplog):
    assert not state.save(lambda: 1 // 0).result()
    assert "gathered" in caplog.text
    assert saved(state, "contacts", [contact_row(1)])


def test_close_writes_what_is_queued(state):
    futures = [
        state.save(lambda n=n: {"renewals": [renewal_row(i, str(n)) for i in range(50)]})
        for n in range(20)
    ]
    again = reopened(state)
    assert all(future.result() for future in futures)
    assert {row[-1] for row in again.load("renewals")} == {"19"}
    again.close()


def test_a_database_in_memory_takes_everything_and_says_that_it_keeps_nothing(tmp_path):
    state = State(tmp_path / "nowhere" / "state.db")
    assert not saved(state, "contacts", [contact_row(1)])
    assert state.failure is None
    assert state.load("contacts") == [contact_row(1)]
    assert len(state.notes) == 1
    state.close()


def test_nothing_waits_for_a_slow_disk(state):
    """While another process holds the database the caller goes on."""
    other = sqlite3.connect(state._database.path)
    other.execute("BEGIN IMMEDIATE")
    future = state.save(lambda: {"contacts": [contact_row(1)]})
    assert not future.done()
    other.execute("ROLLBACK")
    other.close()
    assert future.result()
