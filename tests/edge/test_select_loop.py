"""The loop under a blocking client's bulk channel: who is watched is called, and nobody else."""

import selectors
import socket

import pytest

from dave.edge.select_loop import SelectLoop
from dave.names import SECOND


class Clock:
    now = 0


@pytest.fixture
def stage():
    """A loop, its selector, and two sockets that hear each other."""
    selector = selectors.DefaultSelector()
    ends = socket.socketpair()
    yield SelectLoop(selector, lambda: Clock.now), selector, *ends
    for end in ends:
        end.close()
    selector.close()


def events(selector):
    return selector.select(0)


def turn(selector):
    for key, mask in events(selector):
        key.data.call(mask)


def test_readers_and_writers_are_called_with_what_they_were_given(stage):
    loop, selector, one, other = stage
    called = []
    loop.add_reader(one.fileno(), called.append, "read")
    loop.add_writer(one.fileno(), called.append, "write")
    turn(selector)
    assert called == ["write"]
    other.send(b"x")
    turn(selector)
    assert called == ["write", "read", "write"]
    loop.remove_writer(one.fileno())
    turn(selector)
    assert called[3:] == ["read"]
    loop.remove_reader(one.fileno())
    loop.remove_reader(one.fileno())
    assert events(selector) == []
    assert not selector.get_map()


def test_what_was_closed_in_a_round_is_not_called_in_it_even_if_its_number_is_used_again(stage):
    loop, selector, one, other = stage
    called = []
    loop.add_reader(one.fileno(), called.append, "old")
    other.send(b"x")
    ready = events(selector)
    loop.remove_reader(one.fileno())
    loop.add_reader(one.fileno(), called.append, "new")
    for key, mask in ready:
        key.data.call(mask)
    assert called == []
    turn(selector)
    assert called == ["new"]


def test_calls_that_are_due(stage):
    loop, *_ = stage
    called = []
    assert loop.due is None
    loop.call_later(2, called.append, "late")
    loop.call_later(0, loop.call_later, 0, called.append, "next")
    assert loop.due == 0
    loop.call_due(0)
    assert (called, loop.due) == ([], 0)
    loop.call_due(0)
    assert (called, loop.due) == (["next"], 2 * SECOND)
    loop.call_due(2 * SECOND)
    assert (called, loop.due) == (["next", "late"], None)
