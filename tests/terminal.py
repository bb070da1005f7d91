"""A terminal with somebody who types: a program in a pseudo-terminal, and what its screen shows."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyte

from tests.processes import PATIENCE_SECONDS

COLUMNS, LINES = 100, 40


class Terminal:
    """Use it as a context manager: the program is ended by its process id when that is left."""

    def __init__(self, command: Sequence[str | Path], cwd: Path, env: dict[str, str]) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """All that the program printed."""
        self.process = subprocess.Popen(
            command, cwd=cwd, env=env | {"TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)

    @property
    def lines(self) -> list[str]:
        """What the screen shows, without the blanks at the end."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def type(self, text: str) -> None:
        """Type, control characters too."""
        os.write(self._master, text.encode())

    def until(self, condition: Callable[[list[str]], object]) -> list[str]:
        """Read until the screen is as it should be; its lines."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition(self.lines):
            left = deadline - time.monotonic()
            assert left > 0, f"the screen shows {self.lines}"
            if select.select([self._master], [], [], left)[0]:
                self._read()
        return self.lines

    def shows(self, last: str) -> None:
        """Wait until the last line is this one."""
        self.until(lambda lines: lines[-1:] == [last])

    def ended(self) -> int:
        """Wait for the program's end; its exit code."""
        while self._read():
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 65_536)
        except OSError:  # Linux says so when the last program has closed the terminal
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
