"""Colours are for terminals whose users have not refused them."""

import sys
from io import StringIO

import pytest

from dave.edge.doctor.finding import ok
from dave_cli import colours, doctor


class Screen(StringIO):
    """Standard output, as a terminal is."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("out", "env", "wanted"),
    [
        (Screen(), {"TERM": "xterm"}, True),
        (Screen(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Screen(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Screen(), {"TERM": "dumb"}, False),
        (Screen(), {}, False),
        (StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_when_they_are_wanted(monkeypatch, out, env, wanted):
    monkeypatch.setattr(sys, "stdout", out)
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert colours.are_wanted() is wanted
    doctor._print([ok("disk", "room")])
    assert ("\x1b" in out.getvalue()) is wanted
