"""The blocking client: the same verbs, driven by a select loop in the caller's thread."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time

import pytest

import dave
from dave.edge.connect import connect_sync, parse_edge
from dave.edge.limits import RESULTS_KEPT
from dave.edge.tasks import Pause
from dave.limits import PIECE_BYTES_MAX
from dave.node.streams import Stream, StreamEnd
from tests.node.streaming import KIND, Collect, ListSource, pieces
from tests.processes import PATIENCE_SECONDS, until


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


class Fetch(Collect):
    """Collects a stream; `wait` waits for its end on whatever drives the client."""

    def __init__(self, driver, edge):
        super().__init__()
        self._driver = driver
        self._operation = driver.core.next_operation()
        core, request = driver.core, bytes((KIND,))
        self.stream = core.streams.open(parse_edge(edge), request, self, driver.now())
        driver.flush()

    def on_end(self, end, now):
        super().on_end(end, now)
        self._driver.core.resolve(self._operation, end)

    async def wait(self):
        return await self._driver.wait(self._operation)


def beside_a_node(folder, content, story):
    """Run a story of a blocking client, in a thread, beside a node that serves that content."""

    async def run():
        async with dave.Node(dave.Config(listen="127.0.0.1:0", data=folder)) as node:
            node.core.streams.serve(KIND, lambda *_: ListSource(content))
            await asyncio.to_thread(story, node.address)
            end = time.monotonic() + PATIENCE_SECONDS
            while node.core.streams.links:
                assert time.monotonic() < end, "the client did not hang up"
                await asyncio.sleep(0.01)

    asyncio.run(run())


def test_streams_of_the_bulk_channel_go_on_while_a_verb_waits(tmp_path):
    content = pieces(16, PIECE_BYTES_MAX) * 10

    def story(address):
        with dave.connect_sync(address, key=dave.Key.generate()) as d:
            driver = d._driver
            first = Fetch(driver, address)
            d.put("k", b"v", ttl=3600)
            assert d.get("k").value == b"v"
            others = [Fetch(driver, address) for _ in range(3)]
            for each in (first, *others):
                assert driver.run(each.wait()) is StreamEnd.DONE
                assert each.pieces == content
            assert driver.core.streams.links == 1

    beside_a_node(tmp_path, content, story)


def test_a_client_that_is_closed_ends_its_streams(tmp_path):
    made = []

    def story(address):
        with dave.connect_sync(address) as d:
            made.append(sink := Fetch(d._driver, address))
            d._driver.run(until_true(lambda: sink.pieces))
        assert sink.ends == [StreamEnd.BROKEN]

    beside_a_node(tmp_path, Endless(), story)
    assert made[0].pieces


async def until_true(condition):
    await Pause(condition)


class Endless(list):
    """Pieces without end."""

    def __iter__(self):
        return iter([b"x" * PIECE_BYTES_MAX] * 100_000)


def test_a_connection_that_cannot_be_made_is_no_answer(node):
    with dave.connect_sync(node.address) as d:
        driver = d._driver
        driver.run(d._client.get("k", owner=dave.Key.generate().name))
        (session,) = [driver.core.sessions.find(parse_edge(node.address).address)]
        for to in (("255.255.255.255", 9), ("127.0.0.1", closed_port())):
            sink = Collect()
            sink.stream = stream = Stream(bytes((KIND,)), sink)
            streams = driver.core.streams
            streams._dial(to, session.public_key, session.node_id, stream, driver.now())
            driver.flush()
            assert sink.ends == [], "never from inside open"
            driver.run(until_true(lambda sink=sink: sink.ends))
            assert sink.ends == [StreamEnd.NO_ANSWER]
        assert not driver.bulk._connections


def closed_port():
    """A port where nobody listens."""
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_no_event_loop_is_imported():
    code = "import sys, dave.edge.bulk, dave.edge.connect, dave.edge.select_loop, dave.node.bulk\n"
    code += "sys.exit('asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
