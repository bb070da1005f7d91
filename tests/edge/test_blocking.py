"""The blocking client: the same verbs, driven by a select loop in the caller's thread."""

import socket
import time

import pytest

import dave
from dave.edge.connect import connect_sync
from dave.edge.limits import RESULTS_KEPT
from tests.processes import until


def test_the_same_verbs(node):
    key = dave.Key.generate()
    with dave.connect_sync(node.address, key=key) as d:
        receipt = d.put("greeting", "héllo", ttl=3600)
        assert receipt.settled() is receipt
        assert receipt.settled().stored == 1
        assert "stored 1 of 1" in repr(receipt)
        assert d.get("greeting").value == "héllo".encode()
        assert [step.outcome for step in d.trace] == ["found"]
        assert d.delete("greeting").settled().asked == 1
        assert d.get("greeting") is None
    assert d.get.__doc__ == dave.Client.get.__doc__


def test_nobody_answers(unanswered):
    for attempt in ("get", "put"):
        with dave.connect_sync(unanswered, key=dave.Key.generate()) as d:
            started = time.monotonic()
            with pytest.raises(dave.Unreachable, match=f"no answer from {unanswered}.*dave run"):
                d.get("k", timeout=0.4) if attempt == "get" else d.put("k", b"v", timeout=0.4)
            # It never gives up early, and never hangs.
            assert 0.4 <= time.monotonic() - started < 20


@pytest.fixture
def unanswered():
    """The address of a socket that nobody reads."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{sock.getsockname()[1]}"


def test_a_closed_client_says_so(node):
    with dave.connect_sync(node.address, key=dave.Key.generate()) as d:
        d.put("k", b"v", ttl=3600)
    with pytest.raises(dave.UsageError, match="closed"):
        d.get("k")


def test_results_that_nobody_asks_for_are_bounded(node):
    with connect_sync(node.address, key=dave.Key.generate()) as d:
        driver = d._driver
        for n in range(RESULTS_KEPT + 10):
            driver._keep(n, None)
        assert len(driver._results) == RESULTS_KEPT
        assert d.put("k", b"v", ttl=3600).settled().stored == 1


def test_what_was_begun_goes_on_while_a_verb_waits(node):
    key = dave.Key.generate()
    with dave.connect_sync(node.address, key=key) as d, dave.connect_sync(node.address) as other:
        d.put("k", b"v", ttl=3600)
        until(lambda: d.get("k") and other.ls(key.owner))
        assert [name.key for name in other.ls(key.owner)] == [b"k"]


def test_a_task_that_fails_is_told_to_whoever_joins_it(node):
    with dave.connect_sync(node.address) as d:
        driver = d._driver

        async def fails():
            await driver.sleep(0.01)
            raise LookupError("no")

        task = driver.spawn(fails())
        for _ in range(2):
            with pytest.raises(LookupError):
                driver.run(driver.join(task))
        left = driver.spawn(driver.sleep(3600))
    assert left.is_done
