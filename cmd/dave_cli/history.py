"""The lines that `dave shell` remembers: a file of the user's own, of bounded length."""

import os
import re
from pathlib import Path

LINES_MAX = 1_000
"""Lines that are read; the file is cut to them once it has twice as many."""

_SECRET = re.compile(r"dave://\S*#|(^|\s)--private(\s|$)", re.IGNORECASE)


class History:
    """Appended to line by line, so that two shells share it, and a crash loses nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = ""

    def load(self) -> list[str]:
        """The last lines, oldest first."""
        try:
            text = self._path.read_text("utf-8", "surrogateescape")
        except OSError:
            return []
        lines = text.splitlines()
        if len(lines) > 2 * LINES_MAX:
            self._replace(lines[-LINES_MAX:])
        self._last = lines[-1] if lines else ""
        return lines[-LINES_MAX:]

    def add(self, line: str) -> bool:
        """Keep a line, unless it begins with a space, repeats the last one, or says what should not
        lie about: a link, or a private value. Returns whether it was kept."""
        if line[:1] in ("", " ") or line == self._last or _SECRET.search(line):
            return False
        self._last = line
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(
                os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab"
            ) as f:
                f.write(line.encode("utf-8", "surrogateescape") + b"\n")
        except OSError:
            pass  # A shell without a place for its history is still a shell.
        return True

    def _replace(self, lines: list[str]) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(
                    "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
                )
            fresh.replace(self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
