"""What a node's log looks like: a line for people, or a JSON object a line for machines.

It goes to standard error. Under systemd, whose journal has the time anyway, a line for people
begins with its priority instead (sd-daemon(3)). The same complaint many times over is told a few
times a minute, then counted. No secret is filtered out here: none is ever passed in.
"""

import json
import logging
import os
import sys
import time
from typing import Any, TextIO

from dave.edge.limits import LOG_ALIKE_MAX, LOG_ALIKE_SECONDS, LOG_KINDS_MAX
from dave.edge.settings import SETTINGS
from dave.errors import UsageError

LEVELS = SETTINGS["log.level"].kind.choices
FORMS = SETTINGS["log.format"].kind.choices

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""syslog(3)."""
_CONTROLS = {i: f"\\x{i:02x}" for i in (*range(32), *range(127, 160), 0x2028, 0x2029)}
"""What a peer might smuggle into a line is shown, never obeyed by a terminal."""


def configure(level: str = "info", form: str = "text", stream: TextIO | None = None) -> None:
    """Log from now on at one of LEVELS, in one of FORMS. Of other libraries only warnings are told.

    Raises UsageError for any other level or form.
    """
    if level not in LEVELS:
        raise UsageError(f"the log level is one of {', '.join(LEVELS)}, not {level!r}")
    if form not in FORMS:
        raise UsageError(f"the log format is text or json, not {form!r}")
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Json() if form == "json" else Text(is_journal=_is_journal(stream)))
    handler.addFilter(Alike())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    number = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(number, logging.WARNING))
    logging.getLogger("dave").setLevel(number)


def fields(**values: Any) -> dict[str, Any]:
    """`extra=` of a line: what its JSON form says beside the words."""
    return {"fields": values}


class Text(logging.Formatter):
    """2026-11-21 20:15:01 dave: warning: what happened, in local time."""

    def __init__(self, *, is_journal: bool = False) -> None:
        super().__init__()
        self._is_journal = is_journal

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback where there is one."""
        level = record.levelname.lower()
        if self._is_journal:
            begin = f"<{_PRIORITIES.get(level, 6)}>"
        else:
            begin = time.strftime("%Y-%m-%d %H:%M:%S ", time.localtime(record.created))
        word = "" if record.levelno == logging.INFO else f"{level}: "
        line = f"{begin}dave: {word}{_message(record).translate(_CONTROLS)}"
        if record.exc_info:
            # Set in, so that nothing in it can pass for a line of its own.
            mark = begin if self._is_journal else ""
            for each in self.formatException(record.exc_info).split("\n"):
                line += f"\n{mark}  {each.translate(_CONTROLS)}"
        return line


class Json(logging.Formatter):
    """{"ts", "level", "logger", "message", "fields"}, and "exception" where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        found = {
            "ts": f"{seconds}.{int(record.created * 1000) % 1000:03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "fields": getattr(record, "fields", {}),
        }
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, default=str)


class Alike(logging.Filter):
    """Of lines from one place of the code, LOG_ALIKE_MAX a minute pass; the first of the next
    minute says how many did not."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}
        """By file and line: when the minute began, and how many came."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to tell it."""
        place = record.pathname, record.lineno
        began, count = self._seen.get(place, (record.created, 0))
        if record.created - began >= LOG_ALIKE_SECONDS:
            if count > LOG_ALIKE_MAX:
                record.alike = count - LOG_ALIKE_MAX
            began, count = record.created, 0
        if place not in self._seen and len(self._seen) >= LOG_KINDS_MAX:
            self._seen.clear()
        self._seen[place] = began, count + 1
        return count < LOG_ALIKE_MAX


def _message(record: logging.LogRecord) -> str:
    left_out = getattr(record, "alike", 0)
    more = f" (and {left_out:,} more like it were left out)" if left_out else ""
    return record.getMessage() + more


def _is_journal(stream: TextIO) -> bool:
    """Whether what is written there goes to systemd's journal (systemd.exec(5))."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
