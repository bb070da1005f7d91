"""Lines for people and for machines, and how many of them there may be."""

import io
import json
import logging
import os
import re
import time

import pytest

from dave.edge import logs
from dave.edge.limits import LOG_ALIKE_MAX, LOG_ALIKE_SECONDS, LOG_KINDS_MAX
from dave.errors import UsageError

log = logging.getLogger("dave.test")


@pytest.fixture
def configured():
    """Configures logging as asked; returns what is written. All is as before after the test."""
    root, mine = logging.getLogger(), logging.getLogger("dave")
    before = root.handlers[:], root.level, mine.level
    stream = io.StringIO()

    def configure(*args):
        logs.configure(*args, stream=stream)
        return stream

    yield configure
    root.handlers[:], level, my_level = before
    root.setLevel(level)
    mine.setLevel(my_level)


def test_a_line_for_people_has_the_time_and_the_level_unless_it_is_usual(configured):
    said = configured()
    log.info("joined: %d known", 3)
    log.warning("the disk is full")
    log.debug("nobody asked for this")
    first, second = said.getvalue().splitlines()
    time.strptime(first[:19], "%Y-%m-%d %H:%M:%S")
    assert first[19:] == " dave: joined: 3 known"
    assert second[19:] == " dave: warning: the disk is full"


def test_a_line_for_machines_is_one_object(configured):
    said = configured("debug", "json")
    log.debug("two\nlines", extra=logs.fields(peers=3, path=os.sep))
    found = json.loads(said.getvalue())
    assert said.getvalue().count("\n") == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("ts"))
    assert found == {"level": "debug", "logger": "dave.test", "message": "two\nlines",
                     "fields": {"peers": 3, "path": os.sep}}  # fmt: skip


def test_a_traceback_comes_along(configured):
    said = configured("info", "json")
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("it failed")
    found = json.loads(said.getvalue())
    assert found["level"] == "error"
    assert found["exception"].endswith("ValueError: why")
    said = configured("info", "text")
    log.error("it failed", exc_info=ValueError("why"))
    assert said.getvalue().splitlines()[-1] == "  ValueError: why"


def test_nothing_in_a_traceback_passes_for_a_line(configured):
    said = configured()
    log.error("it failed", exc_info=ValueError("a\n2026-11-21 20:15:01 dave: all is well\x1b[2J"))
    assert said.getvalue().splitlines()[1:] == [
        "  ValueError: a", "  2026-11-21 20:15:01 dave: all is well\\x1b[2J"
    ]  # fmt: skip


def test_what_a_peer_says_gives_no_orders_to_a_terminal(configured):
    said = configured()
    log.warning("%s", "a\nb\x1b[2J\x85\u2028c")
    assert said.getvalue().endswith("dave: warning: a\\x0ab\\x1b[2J\\x85\\x2028c\n")
    assert said.getvalue().count("\n") == 1


def test_of_other_libraries_only_warnings_are_told(configured):
    said = configured("debug")
    logging.getLogger("asyncio").debug("noise")
    logging.getLogger("aiohttp.access").info("GET /?token=secret")
    assert said.getvalue() == ""
    logging.getLogger("asyncio").warning("slow")
    assert "slow" in said.getvalue()


def test_only_what_is_as_bad_as_asked_is_told(configured):
    said = configured("error")
    log.warning("not this")
    logging.getLogger("asyncio").warning("nor this")
    log.error("this")
    assert said.getvalue().endswith("dave: error: this\n")
    assert said.getvalue().count("\n") == 1


def test_under_systemd_a_line_begins_with_its_priority(monkeypatch, tmp_path):
    with (tmp_path / "journal").open("w+") as journal:
        found = os.fstat(journal.fileno())
        assert not logs._is_journal(journal)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        assert logs._is_journal(journal)
        assert not logs._is_journal(io.StringIO())
    record = log.makeRecord("dave", logging.WARNING, "f", 1, "no room", (), None)
    assert logs.Text(is_journal=True).format(record) == "<4>dave: warning: no room"


def a_record(created, line=1):
    record = log.makeRecord("dave", logging.WARNING, "file.py", line, "again", (), None)
    record.created = created
    return record


def test_the_same_again_and_again_is_told_a_few_times_a_minute_and_counted():
    alike, text = logs.Alike(), logs.Text(is_journal=True)
    passed = [alike.filter(a_record(1000 + i / 1000)) for i in range(500)]
    assert passed == [True] * LOG_ALIKE_MAX + [False] * (500 - LOG_ALIKE_MAX)
    assert alike.filter(a_record(1001, line=2)), "another place of the code"
    later = a_record(1000 + LOG_ALIKE_SECONDS)
    assert alike.filter(later)
    assert text.format(later).endswith("again (and 490 more like it were left out)")


def test_what_is_remembered_of_lines_is_bounded():
    alike = logs.Alike()
    for line in range(10 * LOG_KINDS_MAX):
        assert alike.filter(a_record(1000, line))
    assert len(alike._seen) <= LOG_KINDS_MAX


@pytest.mark.parametrize("wrong", [("loud", "text"), ("info", "xml")])
def test_what_there_is_not(wrong):
    with pytest.raises(UsageError, match=wrong[0] if wrong[0] == "loud" else "xml"):
        logs.configure(*wrong)
