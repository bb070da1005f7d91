"""The progress of a stamp search is shown on a terminal, after a second, and wiped."""

import io

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
