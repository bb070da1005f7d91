"""The log of sequences: in order, and swept."""

from hypothesis import given
from hypothesis import strategies as st

from dave.store.sequence_log import STALE_MIN, SequenceLog


def log_of(sequences):
    log = SequenceLog()
    for sequence in sequences:
        log.add(sequence, b"%d" % sequence)
    return log


def test_lines_come_in_order_after_a_sequence():
    log = log_of([1, 2, 5, 9])
    assert log.after(0, 2) == [(1, b"1"), (2, b"2")]
    assert log.after(2, 9) == [(5, b"5"), (9, b"9")]
    assert log.after(9, 9) == []


@given(st.lists(st.integers(1, 2**64 - 1), unique=True))
def test_what_a_journal_brings_in_any_order_is_put_in_order(sequences):
    log = log_of(sequences)
    log.settle()
    assert [line[0] for line in log.after(0, len(sequences))] == sorted(sequences)
    assert all(line[1] == b"%d" % line[0] for line in log.after(0, len(sequences)))


def test_stale_lines_are_swept_once_they_are_more_than_half():
    log = log_of(range(1, STALE_MIN + 11))
    live = {STALE_MIN + 2, STALE_MIN + 7}
    log.sweep(5, lambda entry_id, sequence: sequence in live)
    assert len(log) == STALE_MIN + 10
    log.sweep(4, lambda entry_id, sequence: sequence in live)
    assert [line[0] for line in log.after(0, 9)] == sorted(live)
