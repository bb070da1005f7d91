"""The dashboard of a node that knows 200 others and holds 100,000 entries."""

import asyncio
import random
import threading
import time

import pytest
from playwright.sync_api import expect

import dave
from dave.limits import BUCKET_CONTACTS
from dave.names import hybrid_time
from dave.peers.contact import Contact
from dave.wire.entry import Entry, encode
from tests.browser.browsing import NARROW, visit
from tests.processes import PATIENCE_SECONDS, until

PEERS = 200
ENTRIES = 100_000


class Background:
    """A node in a thread of its own, since Playwright holds this one."""

    def __init__(self, folder):
        self._config = dave.Config(
            listen="127.0.0.1:0", http="127.0.0.1:0", data=folder, capacity=256 << 20,
            secret=b"sixteen bytes ok", sync="never",
        )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self.node = None

    def __enter__(self):
        self._thread.start()
        until(lambda: self.node is not None or not self._thread.is_alive())
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def do(self, function, *arguments):
        """Call a function where the node lives."""

        async def story():
            return function(*arguments)

        return asyncio.run_coroutine_threadsafe(story(), self._loop).result(PATIENCE_SECONDS)

    async def _run(self):
        async with dave.Node(self._config) as node:
            self.node = node
            await self._stop.wait()


def meet(core):
    """200 contacts at places where the table keeps them, most of them tested."""
    rng = random.Random(1)
    now = time.monotonic_ns()
    for n in range(PEERS):
        bits = 64 - n // BUCKET_CONTACTS
        node_id = core.id ^ (1 << bits - 1) ^ rng.getrandbits(bits - 1)
        contact = Contact(rng.randbytes(32), bytes(8), (f"127.0.{n}.1", 9), node_id)
        assert core.table.add(contact, now)
        core.table.seen(node_id, now, rng.randrange(1_000_000, 90_000_000))
        for _ in range(rng.randrange(40) if n % 7 else 0):
            core.trust.kept(node_id, now)
        if n % 40 == 1:
            for _ in range(60):
                core.trust.broke(node_id, now)
    assert len(core.table) == PEERS


def part(core):
    """Nobody is there to whom the node would hand over what it has."""
    for contact in core.table:
        core.table.remove(contact.id)


def store(core, first, last):
    """Entries, without signatures: nothing here asks for them."""
    now_ms = time.time_ns() // 1_000_000
    when = hybrid_time(now_ms)
    for n in range(first, last):
        entry = Entry(encode(bytes(32), b"key %d" % n, bytes(200), when, 86_400))
        core.store.insert(entry, entry.id, (9 << 32) + n, now_ms, 0.0)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    with Background(tmp_path_factory.mktemp("large")) as made:
        core = made.node.core
        for first in range(0, ENTRIES, 10_000):
            made.do(store, core, first, first + 10_000)
        made.do(meet, core)
        yield made
        made.do(part, core)


def test_the_page_shows_all_of_it(large, browser):
    with visit(browser, f"http://{large.node.http.address}/") as at:
        page = at.page
        expect(page.locator("#tiles")).to_contain_text("100,000")
        known = large.do(lambda: len(large.node.core.table))
        assert known > 0.9 * PEERS  # none of them answers
        expect(page.locator("#ring .bars g.broken")).not_to_have_count(0)
        rows = page.locator("#peers tbody tr")
        until(lambda: abs(rows.count() - large.do(lambda: len(large.node.core.table))) <= 2)
        expect(page.locator("#shard")).to_contain_text("100,000 entries in 256 shards")
        page.get_by_label("Lowest rank").check()
        expect(page.locator("#heat-high")).to_contain_text("bits")
        page.locator("#peers th").get_by_role("button", name="Trust").click()
        expect(page.locator("#peers th").nth(2)).to_have_attribute("aria-sort", "ascending")
        assert at.violations() == []
        page.set_viewport_size(NARROW)
        assert not at.is_too_wide()
