"""The progress of a stamp search is shown on a terminal, after a second, and wiped."""

import io
from typing import NamedTuple

import pytest

from dave_cli import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_on_a_terminal_after_a_second(monkeypatch, clock):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    shown = progress.WorkProgress()
    shown(1_000_000, 2e6, 3.0)
    shown.close()
    assert terminal.getvalue() == ""
    clock[0] += 1.5
    shown(4_000_000, 2e6, 3.0)
    assert "4.0 million hashes, 2.0 million/s, about 3 s more" in terminal.getvalue()
    assert "\n" not in terminal.getvalue()
    shown.close()
    assert terminal.getvalue().endswith("\r\033[K")
    length = len(terminal.getvalue())
    shown.close()
    assert len(terminal.getvalue()) == length


def test_never_into_a_file(monkeypatch, clock):
    file = io.StringIO()
    monkeypatch.setattr(progress.sys, "stderr", file)
    shown = progress.WorkProgress()
    clock[0] += 10
    shown(1, 1.0, 1.0)
    shown.close()
    assert file.getvalue() == ""


class Now(NamedTuple):
    """How far a file is."""

    done: int
    size: int | None
    seconds: float
    begun: int = 0


def test_bytes_with_rate_and_time_left(monkeypatch, clock):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    shown = progress.ByteProgress("got", is_silent=False)
    shown(Now(50_000_000, 100_000_000, 0.9))
    assert terminal.getvalue() == ""
    shown(Now(50_000_000, 100_000_000, 2.0, begun=30_000_000))
    line = "got 50.0 MB of 100.0 (50 %), 10.0 MB/s, 5s left"
    assert line in terminal.getvalue()
    shown(Now(51_000_000, 100_000_000, 2.1))
    assert "51.0" not in terminal.getvalue()
    clock[0] += 1
    shown(Now(52_000_000, None, 3.0))
    assert "got 52.0 MB, 17.3 MB/s \033" in terminal.getvalue()
    shown.close()
    assert terminal.getvalue().endswith("\r\033[K")


def test_bytes_are_silent_with_json(monkeypatch, clock):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    shown = progress.ByteProgress("got", is_silent=True)
    shown(Now(5, 10, 20.0))
    shown.close()
    assert terminal.getvalue() == ""
