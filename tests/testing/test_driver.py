"""A client's driver in virtual time: results, stamps that the seed gives, and its end."""

from random import Random

import pytest

from dave.crypto.hashes import STAMP_PREFIX_BYTES
from dave.edge import search_helpers
from dave.errors import UsageError
from dave.testing.clock import Clock
from dave.testing.driver import VirtualDriver
from dave.testing.loop import VirtualLoop
from dave.testing.world import World


@pytest.fixture
def loop():
    made = VirtualLoop(Clock())
    yield made
    made.close()


@pytest.fixture
def driver(loop):
    world = World(1, clock=loop.clock)
    world.add_node()
    return VirtualDriver(world.add_client(), loop, Random(1))


def get(driver):
    now = driver.now()
    operation = driver.core.get(bytes(32), now, now + 10**9)
    driver.flush()
    return operation


def test_results_come_in_virtual_time(driver, loop):
    started = driver.now()
    assert driver.run(driver.wait(get(driver))).entry is None
    assert started < driver.now() == loop.clock.now


def test_once_closed_nothing_is_waited_for(driver):
    driver.close()
    driver.close()
    driver.flush()
    with pytest.raises(UsageError, match="closed"):
        driver.run(driver.wait(1))


@pytest.mark.parametrize("kernel", [True, False])
def test_a_stamp_is_the_same_in_each_run(driver, loop, kernel, monkeypatch):
    if not kernel:
        monkeypatch.setattr(search_helpers, "load_kernel", lambda: None)
    prefix = bytes(STAMP_PREFIX_BYTES)
    nonce, tried = driver.run(driver.search(prefix, 1 << 8, None))
    same = VirtualDriver(World(1, clock=loop.clock).add_client([]), loop, Random(1))
    assert same.run(same.search(prefix, 1 << 8, None)) == (nonce, tried)
    assert tried >= 1
    assert int.from_bytes(nonce, "little") == Random(1).getrandbits(62) + tried - 1


def test_what_computes_runs_here(driver):
    assert driver.run(driver.offload(divmod, 7, 2)) == (3, 1)
