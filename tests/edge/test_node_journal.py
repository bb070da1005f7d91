"""What a node says about a journal that was cut, flipped or written by a later version, and that an
acknowledgement outlives kill -9."""

import shutil
import threading

import pytest

import dave
from dave.edge.keyfile import save_network_secret
from dave.limits import JOURNAL_VERSION
from dave.store import journal
from tests.processes import Home

SECRET = bytes(range(16))
RUNS = 5
RUNS_SOAK = 50


@pytest.fixture
def stopped(home):
    """A stopped node's folder with three entries, and the newest of its segments that has any."""
    node = home.start()
    for n in range(3):
        edge = ("--edge", node.address)
        home.dave("put", f"k{n}", f"value {n}", "--ttl", "1h", "--unlisted", *edge)
    node.stop()
    return max(node.data.glob("journal/*.journal"), key=lambda path: path.stat().st_size)


def readable(home, node):
    got = [home.dave("get", f"k{n}", "--edge", node.address) for n in range(3)]
    return [(each.code, each.out) for each in got]


HELD = [(0, "value 0"), (0, "value 1"), (0, "value 2")]


def test_a_torn_tail_is_cut_off_and_told(home, stopped):
    data = stopped.read_bytes()
    stopped.write_bytes(data[:-5])
    node = home.start()
    assert readable(home, node) == [*HELD[:2], (1, "")]
    assert "an unfinished record at the end was cut off" in node.stderr
    assert "unfinished" in home.dave("status", "--data", node.data).out
    node.stop()
    node = home.start()
    assert node.status()["journal_damage"] == []


def test_a_flipped_bit_costs_one_record_and_is_told(home, stopped):
    data = bytearray(stopped.read_bytes())
    data[data.index(b"value 1")] ^= 0x10
    stopped.write_bytes(data)
    node = home.start()
    assert readable(home, node) == [HELD[0], (1, ""), HELD[2]]
    assert "are damaged and were skipped; the file is kept" in node.stderr
    [damage] = node.status()["journal_damage"]
    assert damage.startswith(f"{stopped.name}: bytes ")


def test_a_journal_of_a_newer_version_is_refused(home, stopped, monkeypatch):
    data = stopped.read_bytes()
    header, _ = journal.decode_header(data[: journal.RECORDS_OFFSET])
    monkeypatch.setattr(journal, "JOURNAL_VERSION", JOURNAL_VERSION + 1)
    stopped.write_bytes(journal.encode_header(header) + data[journal.RECORDS_OFFSET :])
    done = home.dave("run", "--listen", "127.0.0.1:0", "--data", home.folder / "node")
    assert done.code == 2
    assert f"format version {JOURNAL_VERSION + 1}" in done.err
    assert "run the newer Dave that wrote it" in done.err
    assert str(stopped) in done.err
    assert "Traceback" not in done.err


def test_a_header_that_cannot_be_read_is_refused(home, stopped):
    stopped.write_bytes(b"\x00" * 2000)
    done = home.dave("run", "--listen", "127.0.0.1:0", "--data", home.folder / "node")
    assert done.code == 2
    assert f"{stopped}: " in done.err
    assert "To start without it, move it away" in done.err


def storm(home: Home, secret_file: str, key: dave.Key, run: int) -> list[bytes]:
    """Put until the node is killed; what was acknowledged."""
    node = home.start("--sync", "always", "--secret-file", secret_file)
    acknowledged: list[bytes] = []
    enough = threading.Event()

    def put() -> None:
        with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
            for n in range(100_000):
                name = b"%d/%d" % (run, n)
                try:
                    d.put(name, name * 50, ttl=3600, timeout=1, listed=False)
                except (dave.NetworkError, dave.NotStored):
                    return
                acknowledged.append(name)
                if n == 20 + run % 7:
                    enough.set()

    putter = threading.Thread(target=put)
    putter.start()
    came = enough.wait(30)
    node.kill()
    putter.join()
    assert came, node.stderr
    return acknowledged


def nothing_acknowledged_is_lost(home: Home, runs: int) -> None:
    secret_file = str(home.folder / "secret")
    save_network_secret(secret_file, SECRET)
    key = dave.Key.generate()
    acknowledged = [name for run in range(runs) for name in storm(home, secret_file, key, run)]
    node = home.start("--secret-file", secret_file)
    assert not [text for text in node.status()["journal_damage"] if "damaged" in text]
    with dave.connect_sync(node.address, key=key, secret=SECRET) as d:
        for name in acknowledged:
            held = d.get(name)
            assert held is not None, f"{name!r} was acknowledged and is lost"
            assert held.value == name * 50
    assert len(acknowledged) > 20 * runs


def test_nothing_acknowledged_is_lost_by_kill_9(home):
    nothing_acknowledged_is_lost(home, RUNS)


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_by_kill_9_again_and_again(home):
    nothing_acknowledged_is_lost(home, RUNS_SOAK)


def test_a_copied_folder_is_a_backup(home, stopped):
    shutil.copytree(home.folder / "node", home.folder / "copy", ignore=lambda *_: ["lock"])
    shutil.rmtree(home.folder / "node")
    node = home.start(data="copy")
    assert readable(home, node) == HELD
