"""A short digest names its entry, for as many versions as are remembered."""

from dave.node import versions
from dave.node.versions import Versions
from tests.node.helpers import Stage


def test_a_version_is_found_by_the_first_bytes_of_its_digest():
    known = Versions()
    known.note(b"d" * 32, b"one")
    known.note(b"e" * 32, b"one")
    assert known.find(b"d" * 16) == known.find(b"e" * 16) == (b"one", False)
    assert known.find(b"f" * 16) == (None, False)


def test_the_oldest_makes_room(monkeypatch):
    monkeypatch.setattr(versions, "VERSIONS_MAX", 3)
    known = Versions()
    for i in (1, 2, 3, 1, 4):
        known.note(bytes((i,)) * 32, b"%d" % i)
    assert len(known) == 3
    assert [known.find(bytes((i,)) * 16)[0] for i in range(1, 5)] == [b"1", None, b"3", b"4"]


def test_a_node_notes_what_it_stores():
    stage = Stage()
    entry = stage.entry()
    stage.asker().put_now(entry)
    digest = entry.digest(stage.network)
    assert stage.node.puts.versions.find(digest[:16]) == (entry.id, False)
